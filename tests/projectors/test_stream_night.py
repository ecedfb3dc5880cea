"""A night in figures, and a check over the nights, on a real PostgreSQL; each figure counted by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from projectors.file_filter import Filter
from projectors.file_list import find_files
from projectors.observing_night import night_of
from projectors.qa_trend import checks_of, trend
from projectors.stream_night import figures
from tests.projectors.histories import (
    BEGIN,
    REGISTERED,
    SHA,
    STARTED,
    Desks,
    a_life,
    arrived,
    on_log,
    transferred,
)

NIGHT = night_of(BEGIN, "utc")
WHERE = {"version": 1, "attempt": 1}


def a_result(value, *, passed, check="seeing", level="advisory", threshold=1.2):
    return {
        "check": check, "level": level, "passed": passed, "value": value, "unit": "arcsec", "comparison": "<=",
        "threshold": threshold,
    }  # fmt: skip


def checked(sha256, qa, *, observed=None, **more):
    metadata = {"instrument": "WFI"} | ({} if observed is None else {"obs_start_utc": observed})
    return {
        "sha256": sha256, "size_bytes": 100, "media_type": "application/fits", "checks_version": "1",
        "stream_version": 3, "metadata": metadata, "qa": qa, **more,
    }  # fmt: skip


def judged(desks, name, qa, *, sha256=SHA[0], observed=None, done=True, **more):
    desks.ask("file", name, "arrive", arrived(sha256))
    desks.ask("file", name, "start", STARTED, **WHERE)
    desks.ask("file", name, "validated", checked(sha256, qa, observed=observed, **more), **WHERE)
    if done:
        desks.ask("file", name, "transferred", transferred(sha256), **WHERE)
        desks.ask("file", name, "registered", REGISTERED, **WHERE)


def rejected(desks, name, code="TRUNCATED", qa=(), message="in words"):
    desks.ask("file", name, "arrive", arrived(SHA[1]))
    desks.ask("file", name, "start", STARTED, **WHERE)
    told = {"code": code, "message": message, "qa": list(qa), "stream_version": 3}
    desks.ask("file", name, "reject", told, **WHERE)


@pytest.fixture
def shown(engine, following):
    def shown(desks):
        follower = following(on_log(desks.sealed))
        follower.take_over()
        while follower.step(0.0):
            pass
        return engine.connect()

    return shown


def test_a_night_is_counted_by_state_code_and_check(shown):
    desks = Desks()
    bad = a_result(1.9, passed=False)
    warned = [{"code": "QA_SEEING", "message": "too bad", "keyword": "seeing"}]
    judged(desks, "keck/a", [a_result(1.0, passed=True)])
    judged(desks, "keck/b", [bad], sha256=SHA[1], warnings=warned)
    judged(desks, "keck/c", [a_result(3.5, passed=False)], sha256=SHA[2], done=False, warnings=warned)
    rejected(desks, "keck/d")
    rejected(desks, "keck/e")
    rejected(desks, "keck/f", "QA_GAIN", [a_result(-1.0, passed=False, check="gain", level="critical")])
    desks.ask("file", "keck/e", "acknowledge", {"codes": ["TRUNCATED"]}, reason="known", **WHERE)
    a_life(desks, "other/a")
    with shown(desks) as connection:
        told = figures(connection, "keck", NIGHT)
    assert {row["state"]: (row["files"], row["bytes"]) for row in told["states"]} == {
        "COMPLETE": (2, 200), "INVALID": (3, 300), "TRANSFERRING": (1, 100),
    }  # fmt: skip
    assert [(row["code"], row["files"], row["acknowledged"]) for row in told["errors"]] == [
        ("QA_GAIN", 1, 0), ("TRUNCATED", 1, 1),
    ]  # fmt: skip
    checks = {row["check_name"]: row for row in told["failed_checks"]}
    assert [(name, checks[name]["level"], checks[name]["files"]) for name in checks] == [
        ("gain", "critical", 1), ("seeing", "advisory", 2),
    ]  # fmt: skip
    assert (checks["seeing"]["lowest"], checks["seeing"]["highest"], checks["seeing"]["threshold"]) == (
        1.9,
        3.5,
        1.2,
    )
    warnings = {row["code"]: (row["files"], row["keyword"]) for row in told["warnings"]}
    assert warnings["QA_SEEING"] == (2, "seeing")
    assert warnings["LATE_SIDECAR"][0] == 6, "what came with the notification counts too"
    assert told["fresh_to"] is not None


def test_what_is_said_beside_an_example_is_said_of_that_file(shown):
    desks = Desks()
    rejected(desks, "keck/a", "BAD", message="z of a")
    rejected(desks, "keck/b", "BAD", message="y of b")
    rejected(desks, "keck/c", "BAD", message="x of c")
    desks.ask("file", "keck/a", "acknowledge", {"codes": ["BAD"]}, reason="known", **WHERE)
    for name, threshold in (("keck/d", 9.0), ("keck/e", 1.0)):
        odd = [{"code": "ODD", "message": f"{threshold} of {name}", "keyword": "X"}]
        judged(desks, name, [a_result(10.0, passed=False, threshold=threshold)], warnings=odd)
    with shown(desks) as connection:
        told = figures(connection, "keck", NIGHT)
    assert [(row["example"], row["message"]) for row in told["errors"]] == [("keck/b", "y of b")]
    assert [(row["example"], row["threshold"]) for row in told["failed_checks"]] == [("keck/d", 9.0)]
    odd_ones = [(row["example"], row["message"]) for row in told["warnings"] if row["code"] == "ODD"]
    assert odd_ones == [("keck/d", "9.0 of keck/d")]


def test_an_empty_night_knows_what_came_beside_it(shown):
    desks = Desks()
    judged(desks, "keck/a", [])
    with shown(desks) as connection:
        (before, here, after) = (
            figures(connection, "keck", night_of(NIGHT.begin + timedelta(days=days), "utc"))["beside"]
            for days in (-1, 0, 1)
        )
        unknown = figures(connection, "nobody", NIGHT)["beside"]
    assert here is None
    assert before["last_before"] is None
    assert before["first_after"] == after["last_before"]
    assert NIGHT.begin <= after["last_before"] < NIGHT.end
    assert unknown == {"last_before": None, "first_after": None}


def test_stages_and_the_slowest_files_are_named_with_their_stage(shown):
    desks = Desks()
    for name in ("keck/a", "keck/b", "keck/c"):
        judged(desks, name, [])
    desks.ask("file", "keck/slow", "arrive", arrived(SHA[0]))
    desks.ask("file", "keck/slow", "start", STARTED, **WHERE)
    desks.asked += 100  # the clock ticks once a request
    desks.ask("file", "keck/slow", "validated", checked(SHA[0], []), **WHERE)
    desks.ask("file", "keck/slow", "transferred", transferred(SHA[0]), **WHERE)
    desks.ask("file", "keck/slow", "registered", REGISTERED, **WHERE)
    with shown(desks) as connection:
        told = figures(connection, "keck", NIGHT, slowest=2)
    stages = {row["stage"]: row for row in told["stages"]}
    assert list(stages) == [
        "wait for a worker", "read and check", "copy to the archive", "enter in the register", "all of it",
    ]  # fmt: skip
    read = stages["read and check"]
    assert (read["files"], read["median_s"], read["longest_s"], read["longest_of"]) == (
        4,
        1.0,
        101.0,
        "keck/slow",
    )
    assert read["median_s"] <= read["p90_s"] <= read["p99_s"] <= read["longest_s"]
    first, second = told["slowest"]
    assert (first["file"], first["stage"], first["stage_s"], first["seconds"]) == (
        "keck/slow", "read and check", 101.0, 104.0,
    )  # fmt: skip
    assert second["seconds"] == 4.0


def test_a_file_that_was_checked_again_counts_as_it_was_found_last(shown):
    desks = Desks()
    judged(desks, "keck/a", [a_result(1.9, passed=False)])
    desks.ask("file", "keck/a", "reprocess", {"transfer": False}, version=1, reason="corrected")
    again = {"version": 1, "attempt": 2}
    desks.ask("file", "keck/a", "start", STARTED, **again)
    desks.ask("file", "keck/a", "validated", checked(SHA[0], [a_result(1.1, passed=True)]), **again)
    with shown(desks) as connection:
        assert figures(connection, "keck", NIGHT)["failed_checks"] == []
        (row,) = trend(connection, "seeing", "keck", rule="utc", since=NIGHT.begin)
    assert (row["files"], row["failed"], row["median"]) == (1, 0, 1.1)


def test_a_warning_that_a_new_look_no_longer_gives_is_told_as_over_and_not_counted(shown):
    """The remedy of a missing program is to say one; of another version the same warning still holds."""
    missing, odd = (
        {"code": code, "message": code, "keyword": "X"} for code in ("PROGRAM_MISSING", "NOT_ASCII")
    )
    desks = Desks()
    judged(desks, "keck/a", [], warnings=[missing])
    desks.ask("file", "keck/a", "arrive", arrived(SHA[1], witness="inbox.soc/0/2"))
    for attempt, told in enumerate(([missing, odd], [odd]), start=1):
        where = {"version": 2, "attempt": attempt}
        desks.ask("file", "keck/a", "start", STARTED, **where)
        desks.ask("file", "keck/a", "validated", checked(SHA[1], [], warnings=told), **where)
        if attempt == 1:
            desks.ask("file", "keck/a", "transferred", transferred(SHA[1]), **where)
            desks.ask("file", "keck/a", "registered", REGISTERED, **where)
            desks.ask(
                "file", "keck/a", "reprocess", {"overrides": {"program": "C257"}}, version=2, reason="x"
            )
    with shown(desks) as connection:
        counted = {row["code"]: row["files"] for row in figures(connection, "keck", NIGHT)["warnings"]}
        assert counted == {"LATE_SIDECAR": 1, "NOT_ASCII": 1}, "and what its announcement said still holds"
        listed = {
            code: [row["file"] for row in find_files(connection, Filter(warnings=(code,)), limit=limit)]
            for code in ("PROGRAM_MISSING", "NOT_ASCII", "LATE_SIDECAR")
            for limit in (None, 5)
        }
        assert listed == {"PROGRAM_MISSING": [], "NOT_ASCII": ["keck/a"], "LATE_SIDECAR": ["keck/a"]}
        query = """
            SELECT version, attempt, code, withdrawn_because FROM v1.warning WHERE code <> 'LATE_SIDECAR'
            ORDER BY sequence, ordinal
        """
        found = [tuple(row) for row in connection.execute(text(query))]
    over = "the file was looked at again, in attempt 2"
    assert found == [
        (1, 1, "PROGRAM_MISSING", None),
        (2, 1, "PROGRAM_MISSING", over),
        (2, 1, "NOT_ASCII", over),
        (2, 2, "NOT_ASCII", None),
    ]


def test_a_file_belongs_to_the_night_in_which_its_newest_version_came(shown):
    desks = Desks()
    judged(desks, "keck/a", [])
    desks.asked += 86_400
    desks.ask("file", "keck/a", "arrive", arrived(SHA[1], witness="inbox.soc/0/2"))
    with shown(desks) as connection:
        first = figures(connection, "keck", NIGHT)
        second = figures(connection, "keck", night_of(NIGHT.end, "utc"))
    assert (first["states"], first["superseded_versions"]) == ([], 1)
    assert [(row["state"], row["files"]) for row in second["states"]] == [("QUEUED", 1)]


def test_content_that_its_stream_did_not_allow_is_an_error_of_the_night_it_came(shown):
    desks = Desks()
    judged(desks, "keck/a", [])
    desks.ask("file", "keck/a", "arrive", {**arrived(SHA[1], witness="w/0/2"), "changed_content": "conflict"})
    with shown(desks) as connection:
        told = figures(connection, "keck", NIGHT)
    assert [(row["code"], row["files"]) for row in told["errors"]] == [("CONTENT_CONFLICT", 1)]


def test_the_trend_counts_by_the_night_of_the_observation(shown):
    desks = Desks()
    nights = {
        "a": "2026-11-18T05:00:00Z",
        "b": "2026-11-18T23:59:00Z",
        "c": "2026-11-20T01:00:00Z",
        "d": None,
    }
    for number, (name, observed) in enumerate(nights.items(), start=1):
        value = a_result(float(number), passed=number < 2)
        judged(desks, f"keck/{name}", [value], observed=observed)
    judged(desks, "other/a", [a_result(99.0, passed=False)], observed="2026-11-18T05:00:00Z")
    since = datetime(2026, 11, 1, tzinfo=UTC)
    with shown(desks) as connection:
        rows = trend(connection, "seeing", "keck", rule="utc", since=since)
        hawaii = trend(connection, "seeing", "keck", rule="hawaii", since=since)
        assert trend(connection, "moon", "keck", rule="utc", since=since) == []
        assert "seeing" in checks_of(connection, "keck", since=since)
    counted = [
        (f"{row['night']:%d}", row["files"], row["failed"], row["lowest"], row["highest"]) for row in rows
    ]
    assert counted == [("18", 2, 1, 1.0, 2.0), ("20", 1, 1, 3.0, 3.0), ("21", 1, 1, 4.0, 4.0)]
    assert [f"{row['night']:%d}" for row in hawaii] == ["17", "18", "19", "20"]


def test_a_check_that_gives_no_numbers_has_counts_alone(shown):
    desks = Desks()
    text_value = {"check": "filter", "level": "advisory", "passed": False, "value": "F999"}
    judged(desks, "keck/a", [text_value])
    with shown(desks) as connection:
        (row,) = trend(connection, "filter", "keck", rule="utc", since=NIGHT.begin - timedelta(days=1))
    assert (row["files"], row["values"], row["failed"], row["median"]) == (1, 0, 1, None)


def test_results_say_by_which_configuration_they_were_judged(shown):
    desks = Desks()
    judged(desks, "keck/a", [a_result(1.9, passed=False)])
    rejected(desks, "keck/b", "QA_GAIN", [a_result(-1.0, passed=False, check="gain", level="critical")])
    with shown(desks) as connection:
        rows = connection.execute(
            text(
                "SELECT check_name, stream_version, comparison, threshold FROM v1.qa_value ORDER BY check_name"
            )
        ).all()
    assert [tuple(row) for row in rows] == [("gain", 3, "<=", 1.2), ("seeing", 3, "<=", 1.2)]


def test_the_share_of_time_that_services_outside_took_is_told(shown):
    desks = Desks()
    judged(desks, "keck/a", [], usage={"host": "h", "wall_s": 4.0, "lookup_s": 1.0})
    judged(desks, "keck/b", [], sha256=SHA[1], usage={"host": "h", "wall_s": 6.0, "lookup_s": 3.0})
    judged(desks, "keck/c", [], sha256=SHA[2], usage={"host": "h", "wall_s": 100.0})
    with shown(desks) as connection:
        (told,) = figures(connection, "keck", NIGHT)["lookups"]
    assert (told["files"], told["seconds"], told["share"], told["longest_of"]) == (
        2,
        4.0,
        pytest.approx(0.4, rel=0.02),
        "keck/b",
    )
