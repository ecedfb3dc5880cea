"""What comes twice, on a whole site with real servers: two workers at once, one identity, one content, many names."""

from consumers.effects.same_content import content_identity
from tests.consumers.work_site import WorkSite, running, sha256_of

CONTENT = b"any bytes will do " * 100
EXPOSURES = 6


def ended(site: WorkSite, subjects: list[str]) -> dict[str, list[str]]:
    """The files by the state in which each came to rest."""
    found: dict[str, list[str]] = {"COMPLETE": [], "ERROR": []}
    for subject in subjects:
        found[str(site.wait(subject, "COMPLETE", "ERROR").tostate)].append(subject)
    return found


def test_of_exposures_with_one_time_one_is_taken_and_the_others_name_it_though_two_workers_read_them_at_once(
    work_site: WorkSite,
):
    """A clock that stands still: different bytes, different names, one identity, within one moment."""
    with running(work_site, worker=False) as site:
        streams = [f"camera-{number}" for number in range(EXPOSURES)]
        for stream in streams:
            site.stream(stream, identity="name")
        contents = {stream: CONTENT + stream.encode() for stream in streams}
        subjects = [
            site.announce(site.place("KB.1.dat", contents[stream], stream=stream), stream=stream)
            for stream in streams
        ]
        for subject in subjects:
            site.wait(subject, "QUEUED")
        site.start_worker()
        site.start_worker()
        found = ended(site, subjects)
        (winner,) = found["COMPLETE"]
        assert len(found["ERROR"]) == EXPOSURES - 1
        for loser in found["ERROR"]:
            failed = site.history(loser)[-1].data
            evidence = failed["evidence"]
            assert failed["code"] == "IDENTITY_CONFLICT"
            assert evidence["holder"]["subject"] == winner
            assert evidence["holder_sha256"] == sha256_of(contents[winner.partition("/")[0]])
            assert evidence["sha256"] == sha256_of(contents[loser.partition("/")[0]])
            assert f"file reprocess {loser} --identity" in evidence["remedies"][0]
        remedied = found["ERROR"][0]
        site.ask(
            "file.reprocess", remedied, {"overrides": {"identity": "KB.2"}}, version=1, reason="stale clock"
        )
        site.wait(remedied, "COMPLETE")


def test_the_same_bytes_under_another_name_are_named_where_the_stream_wants_to_know(work_site: WorkSite):
    with running(work_site) as site:
        for policy in ("allow", "warn", "conflict"):
            site.stream(policy, same_content=policy)
        first = site.announce(site.place("first.dat", CONTENT, stream="warn"), stream="warn")
        site.wait(first, "COMPLETE")
        assert site.history(first)[2].data.get("warnings", []) == []
        second = site.announce(site.place("second.dat", CONTENT, stream="warn"), stream="warn")
        site.wait(second, "COMPLETE")
        (warning,) = site.history(second)[2].data["warnings"]
        assert (warning["code"], warning["found"]) == ("SAME_CONTENT", f"{first} version 1")
        third = site.announce(site.place("third.dat", CONTENT, stream="conflict"), stream="conflict")
        failed = site.wait(third, "ERROR").data
        assert (failed["code"], failed["failure_class"]) == ("SAME_CONTENT", "data")
        assert failed["evidence"]["holder"]["subject"] == first
        site.ask(
            "file.reprocess", third, {"overrides": {"same_content": "allow"}}, version=1, reason="both wanted"
        )
        site.wait(third, "COMPLETE")
        fourth = site.announce(site.place("fourth.dat", CONTENT, stream="allow"), stream="allow")
        site.wait(fourth, "COMPLETE")
        assert site.history(fourth)[2].data.get("warnings", []) == []
        assert len(site.history(content_identity(sha256_of(CONTENT)), "identity")) == 3


def test_of_files_with_the_same_bytes_read_at_once_all_but_one_are_warned_of(work_site: WorkSite):
    with running(work_site, worker=False) as site:
        site.stream("warn", same_content="warn")
        names = [f"copy-{number}.dat" for number in range(EXPOSURES)]
        subjects = [site.announce(site.place(name, CONTENT, stream="warn"), stream="warn") for name in names]
        for subject in subjects:
            site.wait(subject, "QUEUED")
        site.start_worker()
        site.start_worker()
        for subject in subjects:
            site.wait(subject, "COMPLETE")
        warned = [subject for subject in subjects if site.history(subject)[2].data.get("warnings")]
        assert len(warned) == EXPOSURES - 1
        (holder,) = set(subjects) - set(warned)
        told = {site.history(subject)[2].data["warnings"][0]["found"] for subject in warned}
        assert told == {f"{holder} version 1"}


def test_a_stream_that_makes_a_check_critical_gets_its_files_rejected_with_the_rule_on_record(
    work_site: WorkSite,
):
    """From the configuration as a fact, through the child, to what is recorded of the file."""
    with running(work_site) as site:
        rule = {"check": "kind", "level": "critical", "comparison": "==", "threshold": "text"}
        site.stream("checked", qa=[rule])
        good = site.announce(site.place("good.dat", CONTENT, stream="checked"), stream="checked")
        site.wait(good, "COMPLETE")
        bad = site.announce(site.place("bad.dat", b"\x89PNG\r\n\x1a\n", stream="checked"), stream="checked")
        data = site.wait(bad, "INVALID").data
        assert (data["code"], data["found"], data["wanted"]) == ("QA_KIND", "a PNG image", "== text")
        (result,) = [each for each in data["qa"] if each["check"] == "kind"]
        assert (result["level"], result["passed"], result["threshold"], result["comparison"]) == (
            "critical", False, "text", "==",
        )  # fmt: skip
        assert data["stream_version"] == 1
        site.stream("checked", qa=[{**rule, "level": "advisory"}])
        site.until(lambda: len(site.history("checked", "stream")) >= 4)
        site.ask(
            "file.reprocess", bad, {"overrides": {"stream_version": 2}}, version=1, reason="pictures are fine"
        )
        site.wait(bad, "COMPLETE")
        validated = next(each for each in site.history(bad) if each.type == "file.validated").data
        assert validated["stream_version"] == 2
        assert [each["code"] for each in validated["warnings"]] == ["QA_KIND"]
