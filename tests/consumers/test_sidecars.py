"""Companions of files: what is announced of them, what a fact obliges to, and a site where one is late, or first."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from consumers.obligations import obligations
from consumers.owed import Cancelled, DeadlineOwed, ItemOwed
from consumers.owed_again import missing_sidecar_deadlines
from consumers.reconciler import Patience, Reconciler
from consumers.sender import Sender
from consumers.storage import Storage
from events import clock
from events.envelope import decode_request, encode_request
from events.log import Place
from events.memory_log import MemoryLog
from events.topics import Topics
from projectors.file_search import sidecars_of
from projectors.outcome import Outcomes
from service.audit.findings import Tally
from service.audit.owed_check import check_owed
from tests.consumers.at_the_door import a_stream, asked, request_in, saying
from tests.consumers.work_site import WorkSite
from tests.machines.given import COMPLETE, SHA_B, Story, arrival
from tests.machines.test_file_sidecar import COME, take_step, wanting

SIDECARS = ({"pattern": r".*\.json", "value": "sidecar"},)
POLICY = {"roles": SIDECARS, "sidecars": {"due_after_s": 60}}


@pytest.mark.parametrize(
    ("name", "rules", "primaries", "is_due"),
    [
        ("a.fits", POLICY, None, True),
        ("a.json", POLICY, ["a"], False),
        ("a.fits", {"roles": SIDECARS}, None, False),
        ("a.json", {"roles": SIDECARS}, None, False),
        ("a.fits", {**POLICY, "sidecars": {"needed": False}}, None, False),
        ("a.json", {**POLICY, "sidecars": {"pattern": "b.*"}}, None, False),
        ("a.png", {**POLICY, "roles": ({"pattern": r".*\.png", "value": "preview"},)}, None, False),
        ("a.json", {**POLICY, "strip_suffix": False, "sidecars": {"primaries": ["{name}.fits"]}}, ["a.fits"], False),
    ],
)  # fmt: skip
def test_a_file_is_announced_with_what_the_policy_says_of_its_companion(name, rules, primaries, is_due):
    one = asked(saying(uri=f"s3://landing/{name}"), a_stream(**rules))
    told = request_in(one)["data"].get("pairing", {})
    assert told.get("primaries") == primaries
    assert ("due_at" in told) is is_due
    if is_due:
        assert told["due_at"] > request_in(one)["time"], "after it was announced"


def of(record, kind):
    return [each for each in obligations(record) if isinstance(each, kind)]


def test_a_primary_obliges_to_a_deadline_and_its_sidecar_ends_it():
    story = Story("file", "roman/a")
    (due,) = of(story.ask("arrive", wanting()), DeadlineOwed)
    assert (due.request, due.version, due.due_sequence) == ("file.sidecar_due", 1, 1)
    (over,) = of(story.ask("pair", COME), Cancelled)
    assert (over.request, over.sequence) == ("file.sidecar_due", 2)
    assert of(Story("file", "roman/b").ask("arrive", arrival()), DeadlineOwed) == []


def test_each_primary_of_a_complete_sidecar_is_told_once():
    story = Story("file", "roman/a.json")
    story.ask("arrive", {**arrival(), "pairing": {"primaries": ["a", "b"]}})
    for step in COMPLETE[1:]:
        assert [each for each in of(story.decisions[-1].record, ItemOwed) if each.effect == "pair"] == []
        take_step(story, step)
    items = [each for each in of(story.decisions[-1].record, ItemOwed) if each.effect == "pair"]
    assert [each.payload["primary"] for each in items] == ["roman/a", "roman/b"]
    assert {each.payload["cause"] for each in items} == {story.decisions[-1].record.id}
    assert len({each.event_id for each in items}) == 2
    assert items[0].event_id == story.decisions[-1].record.id


def test_new_content_has_a_deadline_of_its_own_and_the_one_before_is_over():
    story = Story("file", "roman/a")
    story.ask("arrive", wanting())
    story.ask("dismiss", {"code": "ABORTED"}, reason="because")
    again = story.ask("arrive", wanting(SHA_B, witness="inbox/0/2"))
    (over,), (due,) = of(again, Cancelled), of(again, DeadlineOwed)
    assert (over.request, over.sequence) == ("file.sidecar_due", 3)
    assert (due.version, due.due_sequence) == (2, 3)


@pytest.fixture
def in_place(database: Engine, inspector, tmp_path, site: str) -> WorkSite:
    """A site whose stream leaves files where they are: no store is needed, and none is asked."""
    nowhere = Storage(endpoint="http://127.0.0.1:1", access_key="a", secret_key="b", region="c", attempts=1)
    return WorkSite(database, MemoryLog(), Topics(site), nowhere, "none", inspector, tmp_path)


@contextmanager
def at_work(site: WorkSite):
    site.start(projector=True)
    site.stream(transfer={"mode": "in_place"})
    try:
        yield site
    finally:
        site.end()


def announce(site: WorkSite, name: str, *, witness: str, content: bytes = b"x", **pairing) -> str:
    """As intake does it: a primary by its base name."""
    path = site.place(name, content + name.encode())
    subject = f"roman/{name if 'primaries' in pairing else path.stem}"
    role = "sidecar" if "primaries" in pairing else "primary"
    told = {"content": {"uri": path.as_uri()}, "witness": witness, "stream_version": 1, "role": role}
    site.ask("file.arrive", subject, {**told, "pairing": pairing}, correlationid=witness)
    return subject


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def warnings_of(database: Engine, file: str):
    with database.connect() as connection:
        query = "SELECT code, withdrawn_at IS NOT NULL, withdrawn_because FROM v1.warning WHERE file = :file"
        return [tuple(row) for row in connection.execute(text(query), {"file": file})]


def test_a_site_where_sidecars_are_late_early_shared_and_missing(in_place: WorkSite, database: Engine):
    with at_work(in_place) as site:
        site.run_timers()
        site.start_worker()
        early = announce(site, "early.json", witness="w/0/1", primaries=["early", "twin"])
        site.wait(early, "COMPLETE")
        site.until(lambda: "paired" in site.types("roman/early") and "paired" in site.types("roman/twin"))
        with database.connect() as connection:
            site.until(lambda: sidecars_of(connection, "roman/early"), what=lambda: "the projector")
        files = [
            announce(site, f"{name}.fits", witness=f"w/1/{number}", due_at=soon(0.6))
            for number, name in enumerate(["early", "twin", "late", "alone"])
        ]
        for file in files:
            site.wait(file, "COMPLETE")
        for name in ("late", "alone"):
            site.until(lambda name=name: "sidecar_late" in site.types(f"roman/{name}"))
            assert site.state(f"roman/{name}") == "COMPLETE", "nothing waited for it"
        announce(site, "late.json", witness="w/2/1", primaries=["late"])
        announce(site, "late.json", witness="w/2/2", primaries=["late"])  # replayed
        site.until(lambda: "paired" in site.types("roman/late"))
        because = "its sidecar late.json has come"
        site.until(lambda: warnings_of(database, "roman/late") == [("SIDECAR_LATE", True, because)])
        assert warnings_of(database, "roman/alone") == [("SIDECAR_LATE", False, None)]
        for name in ("early", "twin"):
            assert warnings_of(database, f"roman/{name}") == []
            assert "sidecar_late" not in site.types(f"roman/{name}")
        assert site.types("roman/late").count("paired") == 1
        with database.connect() as connection:
            tally = Tally()
            site.until(lambda: not _waiting(database), what=lambda: f"{_waiting(database)} wait")
            check_owed(connection.connection.driver_connection, site.topics.site, tally)
        owed = tally.counters["lost"]
        assert (owed.found, owed.n > 20) == (0, True), owed.offenders


def _waiting(database: Engine) -> int:
    query = """
        SELECT (SELECT count(*) FROM work.deadline WHERE state IN ('waiting', 'delivered'))
             + (SELECT count(*) FROM work.item WHERE state IN ('open', 'leased', 'reported'))
    """
    with database.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())


def test_a_report_about_another_subject_is_sent_again_to_where_that_is_decided(
    in_place: WorkSite, database: Engine
):
    """A lost report of a sidecar's or a group's item is of another subject, maybe of another machine, than the item."""
    with at_work(in_place) as site:
        sidecar = announce(site, "a.json", witness="w/0/1", primaries=["a"])
        site.until(lambda: "arrived" in site.types(sidecar))
        with database.begin() as connection:
            _reported(connection, sidecar, "file.pair", "roman/a", COME)
        reconciler = Reconciler(
            engine=database,
            sender=Sender(site.log.writer),
            outcomes=Outcomes(database, site=site.topics.site),
            topics=site.topics,
            clock=clock.now,
            source="test",
            patience=Patience(resend_after=timedelta(0)),
        )
        found = reconciler.run_once()
        assert found["reports_sent_again"] >= 1
        site.until(lambda: "paired" in site.types("roman/a"), what=lambda: f"{_requests(site)}")
        site.until(lambda: not _reports(database))


def _reported(connection, subject, kind, about, data) -> None:
    """An item whose report was handed over, and lost."""
    identifier = "11111111-1111-5111-8111-111111111111"
    report = encode_request(
        id=identifier, type=kind, subject=about, actor="worker", source="test", at=clock.now(), data=data
    )  # fmt: skip
    connection.execute(
        text("""
            INSERT INTO work.item (event_id, effect, lane, subject, stream, sequence, work_class, priority, queued_at,
                                   created_at, state, try_number, report_id, lease_epoch, payload, report, reported_at,
                                   resent)
            VALUES (:id, 'pair', 'pairs', :subject, 'roman', 9, 'normal', 0, now(), now(), 'reported', 1, :id, 1, '{}',
                    :report, now() - interval '1 min', 0)
        """),
        {"id": identifier, "subject": subject, "report": report},
    )


def _reports(database: Engine) -> int:
    with database.connect() as connection:
        return int(
            connection.execute(text("SELECT count(*) FROM work.item WHERE state = 'reported'")).scalar_one()
        )


def _requests(site: WorkSite):
    reader = site.log.reader()
    reader.assign({Place(site.topics.requests("file"), number): 0 for number in range(2)})
    found = reader.poll(at_most=100, timeout_s=0.1)
    return [decode_request(message.value).type for messages in found.values() for message in messages]


def test_a_lost_deadline_is_known_again(in_place: WorkSite, database: Engine):
    with at_work(in_place) as site:
        primary = announce(site, "a.fits", witness="w/0/1", due_at=soon(3600))
        site.until(lambda: "arrived" in site.types(primary))
        site.until(lambda: _waiting(database) >= 2)
        with database.begin() as connection:
            connection.execute(text("DELETE FROM work.deadline"))

        def found():
            since, before = clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=1)
            with database.connect() as connection:
                return list(missing_sidecar_deadlines(connection, since=since, before=before, at_most=10))

        (missing,) = site.until(found)
        assert [(each.request, each.subject) for each in missing.owed] == [("file.sidecar_due", primary)]
        site.ask("file.pair", primary, COME)
        site.until(lambda: not found())
