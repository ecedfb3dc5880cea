"""Observing programs on a whole site: the real decider, dispatch, workers and timers take one all the way."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import orjson
import pytest

from consumers.policies import criteria
from events import clock
from events.types import format_time
from tests.consumers.portal_server import portal_server
from tests.consumers.programs_given import OP_ID, VISP, cover, dataset, wire
from tests.consumers.work_site import RETRY, WorkSite

COMMIT = {"repository": "https://example.org/inv.git", "commit": "1234567"}
LONG_AGO = "2024-11-02T00:00:00Z"


def put(site, key, content):
    """An object in the site's bucket."""
    path = site.landing / "to-put"
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    site.storage.put_file(path, bucket=site.bucket, key=key, sha256=sha256, size_bytes=len(content))
    return sha256


def at_work(site: WorkSite, **worker):
    """The stream ``dkist`` is the home of observing programs; the site's parts run."""
    for folder in ("dkist", "work", "handed-in"):
        (site.landing / folder).mkdir()
    site.start()
    told = {
        "inputs": f"s3://{site.bucket}/data/{{proposal}}/{{dataset}}/",
        "work_area": (site.landing / "work").as_uri(),
        "output_roots": [(site.landing / "handed-in").as_uri() + "/"],
        "prefix": "published/",
    }
    site.stream("dkist", programs=told, retry={**RETRY, "tries": 1})
    site.until(lambda: [each for each in site.records("stream") if each.type == "stream.configured"])
    site.start_worker(**worker)
    return site


@pytest.fixture
def programs(work_site: WorkSite):
    """A site at work."""
    yield at_work(work_site)
    work_site.end()


def wait_op(site, state, *, subject=OP_ID):
    def look():
        history = site.history(subject, "op")
        return history[-1] if history and history[-1].tostate == state else None

    return site.until(
        look,
        timeout_s=40,
        what=lambda: str(
            [
                (r.type, r.tostate, r.data.get("reasons"), r.data.get("message"))
                for r in site.history(subject, "op")
            ]
        ),
    )


def wait_fact(site, fact, *, subject=OP_ID, count=1):
    def look():
        found = [each for each in site.history(subject, "op") if each.type == fact]
        return found[-1] if len(found) >= count else None

    return site.until(
        look,
        timeout_s=40,
        what=lambda: str(
            [
                (r.type, r.tostate, r.data.get("reasons"), r.data.get("message"))
                for r in site.history(subject, "op")
            ]
        ),
    )


def discover(site, *datasets):
    site.ask(
        "op.discover", OP_ID, {"source": "catalogue", "proposal": "pid_1_1", "datasets": wire(*datasets)}
    )


def to_be_claimed(site, frames=2):
    """An old program of one dataset, found by a scan: it goes on by itself until it can be claimed."""
    for number in range(frames):
        put(site, f"data/pid_1_1/AAAA/frame_{number}.fits", f"frame {number}".encode())
    seen = dataset(
        "AAAA",
        created_at=LONG_AGO,
        frames=frames,
        values={"health.good": frames, "gos.open": frames, "ao_locked": frames},
    )
    discover(site, seen)
    return seen


def handed_in(site, content=b"inverted", *, attempt=1, **told):
    path = site.landing / "handed-in" / "inv.fits"
    path.write_bytes(content)
    output = {
        "name": "inv.fits",
        "uri": path.as_uri(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
    }
    data = {"outputs": [{**output, **told}], "inputs": ["AAAA"], "software": COMMIT}
    site.ask("op.hand_in", OP_ID, data, attempt=attempt, actor="ann")


def claim(site):
    lease = {"lease_from": format_time(clock.now()), "lease_s": 86400}
    site.ask("op.claim", OP_ID, {"program": VISP, **lease}, actor="ann")
    wait_op(site, "Working")


def test_an_old_program_goes_by_itself_until_it_can_be_claimed(programs):
    to_be_claimed(programs)
    record = wait_op(programs, "Preprocessed")
    told = programs.history(OP_ID, "op")
    kinds = [each.type for each in told if not each.is_refusal]
    assert kinds == ["op.discovered", "op.readiness_closed", "op.judged", "op.preprocessed"]
    again = [
        each.data["reasons"][0] for each in told if each.is_refusal
    ]  # asked by the fact, and by the policy
    assert all("closed already" in reason for reason in again), again
    folder = Path(unquote(urlsplit(record.data["location"]).path))
    assert (folder / "AAAA" / "frame_1.fits").read_bytes() == b"frame 1"
    manifest = (folder / "manifest.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == record.data["manifest_sha256"]
    assert len(orjson.loads(manifest)["files"]) == record.data["files"] == 2


def test_inputs_that_nobody_works_with_go_and_are_staged_again_for_whoever_claims_them(programs):
    to_be_claimed(programs)
    record = wait_op(programs, "Preprocessed")
    work = programs.landing / "work"
    first = Path(unquote(urlsplit(record.data["location"]).path))
    assert first.is_relative_to(work)
    assert len([each for each in first.rglob("*.fits") if each.is_file()]) == 2
    programs.ask("op.unstage", OP_ID, {"program": VISP}, actor="ann", reason="the disk is full")
    gone = wait_fact(programs, "op.unstaged")
    assert (gone.data["is_gone"], gone.data["files"], gone.tostate) == (True, 4, "Preprocessed")
    assert list(work.iterdir()) == []
    claim(programs)
    again = wait_fact(programs, "op.preprocessed", count=2)
    second = Path(unquote(urlsplit(again.data["location"]).path))
    assert (again.data["again"], again.data["attempts"], again.tostate) == (True, [1], "Working")
    assert second != first
    assert len([each for each in second.rglob("*.fits") if each.is_file()]) == 2
    assert not first.exists()


def test_frames_that_are_missing_put_the_program_in_error_and_it_recovers_when_they_have_come(programs):
    programs.run_timers()
    put(programs, "data/pid_1_1/AAAA/frame_0.fits", b"frame 0")
    seen = dataset(
        "AAAA", created_at=LONG_AGO, frames=2, values={"health.good": 2, "gos.open": 2, "ao_locked": 2}
    )
    discover(programs, seen)
    failed = wait_fact(programs, "op.failed", count=2)
    assert (failed.data["code"], failed.data.get("due_at")) == ("INPUTS_INCOMPLETE", None)
    assert failed.data["found"] == "1 frames"
    put(programs, "data/pid_1_1/AAAA/frame_1.fits", b"frame 1")
    programs.ask("op.recover", OP_ID, {}, reason="the frames have come")
    assert wait_op(programs, "Preprocessed").data["files"] == 2


def test_a_hand_in_that_holds_is_inverted(programs):
    to_be_claimed(programs)
    wait_op(programs, "Preprocessed")
    claim(programs)
    handed_in(programs)
    record = wait_op(programs, "Inverted")
    assert (record.data["outputs_verified"], record.data["commit"]) == (1, "unverified")


def test_a_hand_in_that_does_not_hold_goes_back_with_its_reasons_and_may_be_put_right(programs):
    to_be_claimed(programs)
    wait_op(programs, "Preprocessed")
    claim(programs)
    handed_in(programs, sha256="f" * 64)
    refused = wait_fact(programs, "op.hand_in_refused")
    assert any("found sha256" in each for each in refused.data["reasons"])
    assert refused.tostate == "Working"
    handed_in(programs)
    assert wait_op(programs, "Inverted").data["round"] == 2


def test_a_fresh_program_waits_for_its_time_and_closes_by_its_deadline(programs):
    made = format_time(datetime.now(UTC) - timedelta(days=7) + timedelta(seconds=3))
    discover(programs, dataset("AAAA", created_at=made))
    awaited = wait_fact(programs, "op.ready_awaited")
    assert awaited.data["policy"] == "dkist"
    programs.run_timers()
    closed = wait_fact(programs, "op.readiness_closed")
    assert (closed.data["by"], closed.actor) == ("quiet_period", "deadline")


def test_a_lease_that_runs_out_is_warned_of_twice_and_then_given_back(programs):
    to_be_claimed(programs)
    wait_op(programs, "Preprocessed")
    programs.run_timers()
    begun = format_time(clock.now() - timedelta(seconds=58))
    programs.ask("op.claim", OP_ID, {"program": VISP, "lease_from": begun, "lease_s": 60}, actor="ann")
    released = wait_fact(programs, "op.released")
    assert (released.data["expired"], released.tostate) == (True, "Preprocessed")
    assert [
        each.data["percent"] for each in programs.history(OP_ID, "op") if each.type == "op.lease_warned"
    ] == [75, 95]


def test_what_was_closed_and_staged_opens_again_with_new_data(programs):
    seen = to_be_claimed(programs)
    wait_op(programs, "Preprocessed")
    put(programs, "data/pid_1_1/BBBB/frame_0.fits", b"late")
    late = dataset(
        "BBBB", created_at=LONG_AGO, frames=1, values={"health.good": 1, "gos.open": 1, "ao_locked": 1}
    )
    programs.ask("op.datasets", OP_ID, {"source": "catalogue", "added": wire(late)})
    record = wait_fact(programs, "op.preprocessed", count=2)
    assert record.data["files"] == 3
    assert record.data["programs"][0]["cover"] == cover(seen, late)


@pytest.fixture
def portal():
    with portal_server() as store:
        yield store


def with_portal(site, store, **more):
    """The home's configuration, now with a metadata store and DOIs."""
    told = {
        "output_roots": [(site.landing / "handed-in").as_uri() + "/"],
        "portal": store.url,
        "doi_prefix": "10.1234",
        **more,
    }
    root = (site.landing / "dkist").as_uri() + "/"
    configuration = {"stream": "dkist", "roots": [root], "retry": RETRY, "programs": told}
    site.ask("stream.configure", "dkist", {"configuration": configuration})
    site.until(
        lambda: len([each for each in site.records("stream") if each.type == "stream.configured"]) == 2
    )


def accepted(site, **members):
    """An attempt that a reviewer has accepted."""
    discover(site, dataset("AAAA", created_at=LONG_AGO, **members))
    wait_op(site, "Preprocessed")
    claim(site)
    handed_in(site)
    wait_op(site, "Inverted")
    site.ask("op.review", OP_ID, {"decision": "accept", "note": "fine"}, attempt=1, actor="bob")
    wait_fact(site, "op.accepted")


def test_an_accepted_attempt_is_published_step_by_step(programs, portal):
    with_portal(programs, portal)
    accepted(programs)
    programs.ask("op.publish", OP_ID, {}, attempt=1, actor="publisher")
    record = wait_op(programs, "Published")
    steps = [each.data["step"] for each in programs.history(OP_ID, "op") if each.type == "op.step_done"]
    assert steps == ["package", "archive", "announce", "cite"]
    (shown,) = portal.shown.values()
    assert shown["identifier"] == record.data["identifier"] == "10.1234/eid_1_118.1"
    bucket, _, key = shown["manifest"]["uri"].removeprefix("s3://").partition("/")
    path = programs.landing / "manifest.json"
    assert programs.storage.get_to_file(bucket, key, path)[1] == shown["manifest"]["sha256"]
    (product,) = orjson.loads(path.read_bytes())["objects"]
    bucket, _, key = product["uri"].removeprefix("s3://").partition("/")
    found = programs.storage.get_to_file(bucket, key, programs.landing / "product")
    assert found == (product["size_bytes"], product["sha256"]) == (8, hashlib.sha256(b"inverted").hexdigest())


def test_a_store_that_is_away_or_refuses_stops_publishing_where_it_was_and_it_goes_on_from_there(
    programs, portal
):
    with_portal(programs, portal)
    accepted(programs)
    portal.faults = [(503, b"busy"), None, (422, b"no such instrument")]
    programs.ask("op.publish", OP_ID, {}, attempt=1, actor="publisher")
    failed = wait_fact(programs, "op.failed")
    assert (failed.data["step"], failed.data["code"], failed.tostate) == (
        "announce",
        "PORTAL_REFUSED",
        "Error",
    )
    programs.ask("op.recover", OP_ID, {}, reason="the store knows it now")
    wait_op(programs, "Published")
    packaged = [each for each in programs.history(OP_ID, "op") if each.data.get("step") == "package"]
    assert len(packaged) == 1, "what was done is not done again"
    assert len(portal.shown) == 1, "and nothing is shown twice"
    assert len({key for _, _, key in portal.asked}) == 1


def test_a_product_that_was_changed_after_it_was_verified_is_never_published(programs, portal):
    with_portal(programs, portal)
    accepted(programs)
    (programs.landing / "handed-in" / "inv.fits").write_bytes(b"something else")
    programs.ask("op.publish", OP_ID, {}, attempt=1, actor="publisher")
    assert wait_fact(programs, "op.failed").data["code"] == "OUTPUT_CHANGED"
    assert portal.shown == {}


def test_an_embargo_lifts_itself_at_its_time_and_the_store_hears_of_it(programs, portal):
    with_portal(programs, portal)
    until = format_time(clock.now() + timedelta(seconds=8))
    accepted(programs, is_embargoed=True, embargo_until=until)
    programs.ask("op.publish", OP_ID, {}, attempt=1, actor="publisher")
    wait_op(programs, "Published")
    (shown,) = portal.shown.values()
    assert shown["isEmbargoed"]
    programs.run_timers()
    assert wait_fact(programs, "op.embargo_lifted").actor == "deadline"
    programs.until(lambda: not shown["isEmbargoed"])


def test_what_is_withdrawn_is_no_longer_shown_and_everything_is_kept(programs, portal):
    with_portal(programs, portal)
    accepted(programs)
    programs.ask("op.publish", OP_ID, {}, attempt=1, actor="publisher")
    wait_op(programs, "Published")
    (name,) = portal.shown
    before = dict(programs.storage.list_keys(programs.bucket, "published/"))
    programs.ask("op.withdraw", OP_ID, {}, attempt=1, reason="wrong wavelength scale")
    withdrawn = wait_fact(programs, "op.withdrawn")
    assert withdrawn.tostate == "Inverted"
    assert (portal.shown, portal.withdrawn[name]["reason"]) == ({}, "wrong wavelength scale")
    assert dict(programs.storage.list_keys(programs.bucket, "published/")) == before


def configured(site, **told):
    """The home's configuration with these policies."""
    roots = {"output_roots": [(site.landing / "handed-in").as_uri() + "/"]}
    root = (site.landing / "dkist").as_uri() + "/"
    configuration = {"stream": "dkist", "roots": [root], "retry": RETRY, "programs": {**roots, **told}}
    site.ask("stream.configure", "dkist", {"configuration": configuration})


def test_other_criteria_that_come_into_force_judge_again(programs):
    to_be_claimed(programs)
    wait_op(programs, "Preprocessed")
    members = criteria().model_dump(mode="json", by_alias=True, exclude_none=True)
    members["version"] = 2
    (rule,) = [each for each in members["criterion"] if each["name"] == "stokes"]
    rule["threshold"] = "I"
    configured(programs, criteria=[{"name": "visp", "version": 2, "members": members}])
    record = wait_op(programs, "Not Invertible")
    assert (record.data["verdict"]["criteria_version"], record.data["failed"]) == (2, ["stokes"])
    asked = [each for each in programs.history(OP_ID, "op") if each.type == "op.requalified"]
    assert [each.data["criteria_version"] for each in asked] == [2]


def test_another_readiness_that_comes_into_force_closes_what_has_been_quiet_long_enough(programs):
    made = format_time(datetime.now(UTC) - timedelta(days=1))
    discover(programs, dataset("AAAA", created_at=made))
    wait_fact(programs, "op.ready_awaited")
    rules = [{"instruments": ["*"], "by": ["quiet_period"], "quiet_days": 0.5}]
    configured(
        programs,
        readiness={"name": "hasty", "version": 2, "members": {"name": "hasty", "version": 2, "rule": rules}},
    )
    closed = wait_fact(programs, "op.readiness_closed")
    assert (closed.data["policy"], closed.data["policy_version"]) == ("hasty", 2)


def test_a_second_inversion_takes_the_first_one_s_place_and_the_store_never_shows_nothing(programs, portal):
    with_portal(programs, portal)
    accepted(programs)
    programs.ask("op.publish", OP_ID, {}, attempt=1, actor="publisher")
    wait_op(programs, "Published")
    (first,) = portal.shown
    lease = {"lease_from": format_time(clock.now()), "lease_s": 86400}
    programs.ask("op.reinvert", OP_ID, {"program": VISP, **lease}, actor="ann")
    wait_fact(programs, "op.claimed", count=2)
    handed_in(programs, b"inverted better", attempt=2)
    wait_fact(programs, "op.inverted", count=2)
    programs.ask("op.review", OP_ID, {"decision": "accept", "note": "better"}, attempt=2, actor="bob")
    wait_fact(programs, "op.accepted", count=2)
    programs.ask("op.publish", OP_ID, {}, attempt=2, actor="publisher")
    record = wait_fact(programs, "op.published", count=2)
    assert record.data["supersedes"] == 1
    (second,) = portal.shown
    assert (portal.shown[second]["replaces"], portal.shown[second]["attempt"]) == (first, 2)
    assert {each.tostate for each in programs.history(OP_ID, "op")[-8:]} == {"Published"}
    keys = [key for key, _ in programs.storage.list_keys(programs.bucket, "published/")]
    assert any("attempt-0001" in key for key in keys), "what was replaced is kept"
