"""Pages of files: all of what is asked for, each once, in order; and how things stand as a whole."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from projectors import file_list
from projectors.file_filter import Filter, QaBound
from projectors.file_list import Cursor, file_page
from projectors.sky import Box, Cone
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
    return {row["name"] for row in file_page(connection, Filter(**wanted)).files}


@pytest.mark.parametrize("oldest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 4, 16, 17, 50])
def test_pages_put_together_are_all_files_each_once_in_order(shown, limit, oldest_first):
    found, after, pages = [], None, 0
    while True:
        page = file_page(shown, Filter(), after=after, limit=limit, oldest_first=oldest_first)
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
    assert names(shown, is_unacknowledged=True) == keck - {"k%0"} - (
        {"k%1"} if _is_before_the_end() else set()
    )
    assert names(shown, is_held=True) == {"k%2"}
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


PLACES = [
    (0.0, 0.0), (359.9, 0.05), (0.1, -0.05), (180.0, 0.0), (266.4, -29.0), (266.9, -29.0), (266.4, -29.6),
    (12.0, 89.95), (192.0, 89.95), (100.0, -90.0), (280.0, -89.99), (83.6, 22.0),
]  # fmt: skip


@pytest.fixture
def sky(engine, following):
    """A connection to views of files all over the sky, with seeing and grades."""
    desks = Desks()
    for number, (ra, dec) in enumerate(PLACES):
        a_life(desks, f"roman-wfi/p{number:02d}")
        where = {"version": 1, "attempt": 2}
        name = f"roman-wfi/p{number:02d}"
        desks.ask("file", name, "reprocess", {"transfer": False}, reason="with a place")
        desks.ask("file", name, "start", STARTED, **where)
        told = validated(SHA[0], ra_deg=ra, dec_deg=dec, detector=f"WFI{number % 3:02d}", filter="F158")
        told["qa"] = [
            {"check": "seeing", "level": "record-only", "value": number / 10},
            {"check": "grade", "level": "record-only", "value": "AB"[number % 2]},
        ]
        desks.ask("file", name, "validated", told, **where)
    follower = following(on_log(desks.sealed))
    follower.take_over()
    while follower.step(0.0):
        pass
    with engine.connect() as connection:
        yield connection


def numbers(connection: Connection, **wanted: Any) -> set[int]:
    return {int(name[1:]) for name in names(connection, **wanted)}


def distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Degrees between two places, by the angle between their vectors (Vincenty; right at all distances)."""
    va, vb = (
        (math.cos(d) * math.cos(r), math.cos(d) * math.sin(r), math.sin(d))
        for r, d in ((math.radians(ra), math.radians(dec)) for ra, dec in (a, b))
    )
    cross = math.hypot(*(va[i - 2] * vb[i - 1] - va[i - 1] * vb[i - 2] for i in range(3)))
    return math.degrees(math.atan2(cross, sum(x * y for x, y in zip(va, vb, strict=True))))


@pytest.mark.parametrize("radius", [0.0, 0.08, 0.2, 0.5, 1.0, 30.0, 90.0, 180.0])
def test_a_cone_finds_what_lies_in_it_and_nothing_else(sky, radius):
    centres = [*PLACES, (359.99, 0.0), (300.0, 90.0), (45.0, -89.995), (90.0, 45.0)]
    for ra, dec in centres:
        wanted = {n for n, place in enumerate(PLACES) if distance((ra, dec), place) <= radius + 1e-9}
        assert numbers(sky, at=Cone(ra, dec, radius)) == wanted, (ra, dec)


def test_a_box_goes_eastward_through_zero(sky):
    assert numbers(sky, box=Box(359.0, -1.0, 1.0, 1.0)) == {0, 1, 2}
    assert numbers(sky, box=Box(1.0, -1.0, 359.0, 1.0)) == {3}
    assert numbers(sky, box=Box(0.0, -90.0, 360.0, 90.0)) == set(range(len(PLACES)))
    assert numbers(sky, box=Box(266.4, -29.6, 266.9, -29.0)) == {4, 5, 6}


def test_results_of_checks_are_compared_as_of_the_newest_attempt(sky):
    assert numbers(sky, qa=(QaBound("seeing", "<", 0.3),)) == {0, 1, 2}
    assert numbers(sky, qa=(QaBound("seeing", ">=", 1.0), QaBound("grade", "=", "B"))) == {11}
    assert numbers(sky, qa=(QaBound("grade", "!=", "A"),)) == {1, 3, 5, 7, 9, 11}
    # The first attempt had 1.25, and no longer counts.
    assert numbers(sky, qa=(QaBound("seeing", ">", 1.2),)) == set()
    assert numbers(sky, qa=(QaBound("nobody", "<", 1.0),)) == set()
    with pytest.raises(ValueError, match="wanted one of"):
        names(sky, qa=(QaBound("seeing", "; DROP", 1.0),))


def test_filters_together_mean_all_of_them(sky):
    assert numbers(sky, detector="WFI00", filter="F158", at=Cone(266.4, -29.0, 1.0)) == {6}
    assert numbers(sky, visit="v1", exposure="none") == set()
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert numbers(sky, observed_until=noon, instrument="WFI") == set(range(len(PLACES)))
    assert numbers(sky, observed_since=noon) == set()


def test_pages_of_a_filter_are_all_of_it(sky):
    found, after = [], None
    while True:
        page = file_page(sky, Filter(at=Cone(0.0, 0.0, 180.0)), after=after, limit=5)
        found += [row["file"] for row in page.files]
        if page.next is None:
            break
        after = Cursor.read(str(page.next))
    assert len(found) == len(set(found)) == len(PLACES)


PLACES_AND_MORE = (
    {"at": Cone(266.4, -29.0, 1.0)}, {"at": Cone(0.0, 0.0, 90.0)}, {"box": Box(1.0, -90.0, 359.0, 0.0)},
    {"name": "p0*"}, {"name": "*1"}, {"name": "p?1*", "at": Cone(0.0, 0.0, 90.0)}, {"visit": "v1"},
    {"qa": (QaBound("seeing", ">", 0.2),)}, {"qa": (QaBound("grade", "=", "A"),), "at": Cone(0.0, 0.0, 90.0)},
)  # fmt: skip
NARROWER: tuple[dict[str, Any], ...] = (
    {}, {"states": ("COMPLETE",)}, {"detector": "WFI00"}, {"streams": ("nobody",)},
)  # fmt: skip


@pytest.mark.parametrize(("many", "among"), [(1, 1), (1, 4), (6, 4), (1, 100), (100, 100)])
def test_pages_are_the_same_by_whichever_way_they_are_found(sky, monkeypatch, many, among):
    """Few files by the index, many by time among so many files, and by the index where those are too few."""
    monkeypatch.setattr(file_list, "_MANY", many)
    monkeypatch.setattr(file_list, "_MANY_RESULTS", many)
    monkeypatch.setattr(file_list, "_LARGE_PLACE", many / 100)
    monkeypatch.setattr(file_list, "_LOOKED_THROUGH", among)
    others = {str(more): _all_of(sky, Filter(**more)) for more in NARROWER}
    for place in PLACES_AND_MORE:
        inside = _all_of(sky, Filter(**place))
        for more in NARROWER:
            for oldest_first in (True, False):
                found = _page_by_page(sky, Filter(**(place | more)), oldest_first=oldest_first)
                assert found == sorted(found, reverse=not oldest_first)
                assert [file for _, file in sorted(found, key=lambda pair: pair[1])] == sorted(
                    inside & others[str(more)]
                )


def _all_of(connection: Connection, wanted: Filter) -> set[str]:
    return {row["file"] for row in file_list.find_files(connection, wanted)}


def _page_by_page(
    connection: Connection, wanted: Filter, *, oldest_first: bool
) -> list[tuple[datetime, str]]:
    found, after = [], None
    while True:
        page = file_page(connection, wanted, after=after, limit=3, oldest_first=oldest_first)
        found += [(row["since_at"], row["file"]) for row in page.files]
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize(
    "told", ["", "x/y/z", "2026-11-21/a/b", "2026-11-21T00:00:00Z", "2026-11-21T00:00:00Z/a"]
)
def test_what_is_no_place_in_a_list_is_refused(told):
    with pytest.raises(ValueError):
        Cursor.read(told)


def _is_before_the_end() -> bool:
    return datetime.now(UTC) < datetime(2026, 11, 22, tzinfo=UTC)


def test_a_page_behind_the_last_file_is_empty(shown):
    page = file_page(shown, Filter(), after=Cursor(datetime(2020, 1, 1, tzinfo=UTC), "x"))
    assert (page.files, page.next) == ([], None)


def test_tallies_count_each_file_once_by_its_newest_version(shown):
    counted = {(tally.stream, tally.state): tally.files for tally in tallies(shown)}
    assert counted == {("keck", "ERROR"): 5, ("roman-wfi", "COMPLETE"): 11, ("roman-wfi", "TRANSFERRING"): 1}


def test_streams_freshness_and_quarantine_are_told(shown):
    (keck,) = streams(shown)
    assert (keck.stream, keck.title, keck.state, keck.held) == ("keck", "HIRES", "Standby", True)
    assert {each.machine for each in freshness(shown)} == {"file", "group", "identity", "op", "stream"}
    assert quarantined(shown) == []
