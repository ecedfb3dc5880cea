"""Pages of files: all of what is asked for, each once, in order; and how things stand as a whole."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from projectors.file_list import Cursor, FileFilter, file_page
from projectors.standing import freshness, quarantined, streams, tallies
from tests.projectors.histories import SHA, STARTED, Desks, a_life, arrived, on_log, validated

FAILURE = {"code": "SOURCE_GONE", "failure_class": "transient", "message": "no such file"}


@pytest.fixture
def shown(engine, following):
    """A connection to views of a small night."""
    desks = Desks()
    for number in range(12):
        a_life(desks, f"roman-wfi/r{number:04d}_cal")
    for number in range(5):
        name = f"keck/k%{number}"
        desks.ask("file", name, "arrive", arrived(SHA[1]) | {"purpose": "calibration"})
        desks.ask("file", name, "fail", FAILURE, version=1, attempt=1)
    desks.ask("file", "keck/k%0", "acknowledge", {"codes": ["SOURCE_GONE"]}, reason="known")
    until = {"until": "2026-11-22T00:00:00Z"}
    desks.ask(
        "file", "keck/k%1", "acknowledge", {"codes": ["SOURCE_GONE"], **until}, reason="known for a day"
    )
    desks.ask("file", "keck/k%2", "hold", {}, reason="wait")
    desks.ask("file", "roman-wfi/r0003_cal", "arrive", arrived(SHA[2], witness="inbox.soc/0/9"))
    desks.ask("file", "roman-wfi/r0003_cal", "start", STARTED, version=2, attempt=1)
    desks.ask(
        "file", "roman-wfi/r0003_cal", "validated", validated(SHA[2], visit_id="v2"), version=2, attempt=1
    )
    desks.ask("stream", "keck", "configure", {"configuration": {"stream": "keck", "title": "HIRES"}})
    desks.ask("stream", "keck", "hold", {})
    follower = following(on_log(desks.sealed))
    follower.take_over()
    while follower.step(0.0):
        pass
    with engine.connect() as connection:
        yield connection


def names(connection: Connection, **wanted: Any) -> set[str]:
    return {row["name"] for row in file_page(connection, FileFilter(**wanted)).files}


@pytest.mark.parametrize("oldest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 4, 16, 17, 50])
def test_pages_put_together_are_all_files_each_once_in_order(shown, limit, oldest_first):
    found, after, pages = [], None, 0
    while True:
        page = file_page(shown, FileFilter(), after=after, limit=limit, oldest_first=oldest_first)
        assert len(page.files) <= limit
        found += [(row["since_at"], row["file"]) for row in page.files]
        pages += 1
        after = page.next
        if after is None:
            break
    assert len(found) == len(set(found)) == 17
    assert found == sorted(found, reverse=not oldest_first)
    assert pages == -(-17 // limit)


def test_a_filter_finds_what_it_says(shown):
    keck = {f"k%{number}" for number in range(5)}
    assert names(shown, states=("ERROR",)) == keck
    assert names(shown, streams=("keck",)) == keck
    assert names(shown, codes=("SOURCE_GONE",)) == keck
    assert names(shown, purpose="calibration") == keck
    assert names(shown, unacknowledged=True) == keck - {"k%0"} - ({"k%1"} if _is_before_the_end() else set())
    assert names(shown, held=True) == {"k%2"}
    assert names(shown, name="k%3") == {"k%3"}
    assert names(shown, name="k*") == keck
    assert names(shown, name="r000?_cal", states=("COMPLETE",)) == {
        f"r000{n}_cal" for n in range(10) if n != 3
    }
    assert names(shown, name="r_000*") == set()
    assert names(shown, visit="v2") == {"r0003_cal"}
    assert len(names(shown, visit="v1")) == 11
    assert names(shown, detector="WFI99") == set()
    noon = datetime(2026, 11, 21, 5, 0, 5, tzinfo=UTC)
    assert names(shown, until=noon) == set()
    assert names(shown, since=noon, until=noon.replace(second=6)) == {"r0000_cal"}


def _is_before_the_end() -> bool:
    return datetime.now(UTC) < datetime(2026, 11, 22, tzinfo=UTC)


def test_a_page_behind_the_last_file_is_empty(shown):
    page = file_page(shown, FileFilter(), after=Cursor(datetime(2020, 1, 1, tzinfo=UTC), "x"))
    assert (page.files, page.next) == ([], None)


def test_tallies_count_each_file_once_by_its_newest_version(shown):
    counted = {(tally.stream, tally.state): tally.files for tally in tallies(shown)}
    assert counted == {("keck", "ERROR"): 5, ("roman-wfi", "COMPLETE"): 11, ("roman-wfi", "TRANSFERRING"): 1}


def test_streams_freshness_and_quarantine_are_told(shown):
    (keck,) = streams(shown)
    assert (keck.stream, keck.title, keck.state, keck.held) == ("keck", "HIRES", "Standby", True)
    assert {each.machine for each in freshness(shown)} == {"file", "group", "identity", "op", "stream"}
    assert quarantined(shown) == []
