"""How much may be claimed, by limits of streams and what servers can bear."""

from consumers.breakers import ARCHIVE, LOG, store_of
from consumers.lanes import Busy, Lane, lanes, room_of

STREAMS: dict[str, dict[str, int]] = {"a": {}, "b": {"large": 1, "normal": 4}}


def rooms(found: list[Lane]) -> dict[tuple[str, str, str], int]:
    return {(lane.stream, lane.effect, lane.work_class): lane.room for lane in found}


def look(
    *,
    busy: Busy | None = None,
    away: dict[str, int] | None = None,
    effects: tuple[str, ...] = ("ingest", "transfer"),
) -> dict[tuple[str, str, str], int]:
    return rooms(lanes(streams=STREAMS, busy=busy or {}, rooms=away or {}, effects=effects, at_most=10))


def test_without_limits_every_lane_has_all_the_room_there_is():
    found = look()
    assert found["a", "ingest", "normal"] == 10
    assert found["a", "transfer", "large"] == 10


def test_a_class_limit_is_what_is_left_by_all_effects_of_the_stream():
    found = look(
        busy={("b", "ingest", "normal"): 2, ("b", "transfer", "normal"): 1, ("a", "ingest", "normal"): 9}
    )
    assert found["b", "ingest", "normal"] == 1
    assert found["b", "transfer", "normal"] == 1
    assert found["a", "ingest", "normal"] == 10


def test_a_lane_without_room_is_not_walked():
    assert ("b", "ingest", "large") not in look(busy={("b", "transfer", "large"): 1})


def test_a_server_that_is_away_shuts_the_effects_that_need_it():
    found = look(away={ARCHIVE: 0})
    assert {effect for _, effect, _ in found} == {"ingest"}


def test_a_server_that_comes_back_is_tried_by_a_few_first():
    found = look(away={ARCHIVE: 4}, busy={("a", "transfer", "normal"): 3, ("a", "ingest", "normal"): 3})
    assert found["a", "transfer", "normal"] == 1
    assert found["a", "ingest", "normal"] == 10


def test_a_source_that_is_away_concerns_its_own_stream():
    found = look(away={store_of("a"): 0}, effects=("ingest", "transfer", "register"))
    assert {stream for stream, effect, _ in found if effect != "register"} == {"b"}
    assert ("a", "register", "normal") in found


def test_without_the_log_nothing_is_begun():
    assert look(away={LOG: 0}) == {}
    assert room_of("answer", {LOG: 0}, 10) == 0
    assert room_of("answer", {ARCHIVE: 0}, 10) == 10
