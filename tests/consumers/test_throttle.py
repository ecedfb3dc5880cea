"""What may begin, by what the machine can bear: told readings in, admission out."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.readings import LiveReadings
from consumers.space_forecast import SpaceForecast, hours_left
from consumers.throttle import Admission, Bounds, Standing, admit
from tests.told_readings import GB, IDLE, disk, reading


def may(told=IDLE, standing=Standing(), *, threads=6, ahead=3, large_at_once=2):  # noqa: B008 - frozen
    return admit(told, standing, threads=threads, ahead=ahead, large_at_once=large_at_once, bounds=Bounds())


def held(admission: Admission) -> set[str]:
    return {pause.what for pause in admission.pauses}


def test_an_idle_machine_bears_all_that_there_are_threads_for():
    assert may() == Admission(items=9, large=2, catch_up=4)


def test_what_is_under_way_counts():
    found = may(standing=Standing(items=7, large=1, catch_up=3))
    assert (found.items, found.large, found.catch_up) == (2, 1, 1)


def test_catch_up_never_takes_the_last_thread():
    for threads in (2, 3, 6, 32):
        assert 1 <= may(threads=threads).catch_up < threads


def test_from_85_percent_of_a_disk_on_only_live_files_are_taken():
    assert may(reading(disks=(disk(0.849),))).catch_up > 0
    found = may(reading(disks=(disk(0.2, path="/a"), disk(0.85, path="/b"))))
    assert (found.items > 0, found.catch_up, held(found)) == (True, 0, {"catch-up"})
    assert "/b is 85.0% full" in found.pauses[0].why


def test_from_95_percent_of_a_disk_on_nothing_is_copied():
    found = may(reading(disks=(disk(0.95),)))
    assert (found.items, found.large, found.catch_up, held(found)) == (0, 0, 0, {"copying"})
    assert "make room" in found.pauses[0].why


def test_previews_rest_with_catch_up_and_where_memory_is_short():
    assert may().preview
    assert not may(reading(disks=(disk(0.86),))).preview
    assert not may(reading(disks=(disk(0.96),))).preview
    assert not may(reading(memory_free=(512 + 500) * 1024 * 1024)).preview
    assert may(reading(cpu=1.0)).preview


def test_busy_cores_bear_forty_items_each():
    found = may(reading(cpu=0.99, cores=2), Standing(items=3), threads=96)
    assert (found.items, held(found)) == (77, {"more"})
    assert may(reading(cpu=0.94, cores=2), Standing(items=3), threads=96).items == 96


def test_for_want_of_memory_no_more_begins_than_fits():
    few = may(reading(memory_free=(512 + 3 * 128 + 1) * 1024 * 1024))
    assert few.items == 3
    none = may(reading(memory_free=100_000_000), Standing(items=2))
    assert (none.items, held(none)) == (0, {"more", "large"})
    assert "0.1 GB of memory are free" in none.pauses[0].why


def test_a_large_file_waits_for_memory_unless_it_is_alone():
    short = reading(memory_free=(512 + 500) * 1024 * 1024)
    assert may(short, Standing(items=2)).large == 0
    assert may(short).large == 1


@given(
    cpu=st.floats(0, 1), cores=st.integers(1, 64), memory=st.integers(0, 64 * GB), used=st.floats(0, 1),
    items=st.integers(0, 40), threads=st.integers(1, 32), large=st.integers(0, 8),
)  # fmt: skip
def test_bounds_hold_whatever_the_readings_say(cpu, cores, memory, used, items, threads, large):
    standing = Standing(items=items, large=min(items, large), catch_up=items)
    found = may(
        reading(cpu=cpu, cores=cores, memory_free=memory, disks=(disk(used),)), standing, threads=threads
    )
    assert 0 <= found.items <= max(1, threads + 3)
    assert 0 <= found.large <= found.items
    assert 0 <= found.catch_up <= found.items
    if items == 0 and disk(used).used_share < 0.95:
        assert found.items >= 1  # or nothing would ever go on
    if disk(used).used_share >= 0.95:
        assert found.items == 0
    if found.items < threads + 3 - items:
        assert found.pauses or items == 0


def test_a_disk_that_fills_evenly_is_forecast_to_the_hour():
    forecast, whole = SpaceForecast(), 1000 * GB
    for minute in range(60):
        forecast.note(reading(at_s=60.0 * minute, disks=(disk(0.5 + 0.1 * minute / 60, whole_bytes=whole),)))
    assert forecast.hours(disk(0.6, whole_bytes=whole)) == pytest.approx(3.5, rel=0.01)


def test_a_disk_that_does_not_fill_has_no_end():
    forecast = SpaceForecast()
    for minute in range(10):
        forecast.note(reading(at_s=60.0 * minute, disks=(disk(0.5 - minute / 100),)))
    assert forecast.hours(disk(0.4)) is None
    assert forecast.hours(disk(0.4, path="/never/seen")) is None
    assert forecast.hours(disk(0.96)) == 0.0


def test_two_looks_within_a_minute_tell_nothing_yet():
    assert hours_left(deque([(0.0, 0), (10.0, 10 * GB)]), disk(0.5), full_share=0.95) is None


def test_this_machine_can_be_read(tmp_path):
    found = LiveReadings([tmp_path / "not" / "there" / "yet"], cgroup=tmp_path).now()
    assert found.cores >= 1
    assert 0 <= found.cpu_share <= 1
    assert 0 < found.memory_free_bytes <= found.memory_total_bytes
    assert [each.path for each in found.disks] == [str(tmp_path)]
    assert 0 < found.disks[0].used_share < 1


def test_a_control_groups_limit_of_memory_is_ours(tmp_path):
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    found = LiveReadings([], cgroup=tmp_path).now()
    assert (found.memory_total_bytes, found.memory_free_bytes) == (1_000_000, 600_000)
    (tmp_path / "memory.max").write_text("max\n")
    assert LiveReadings([], cgroup=tmp_path).now().memory_total_bytes > 1_000_000
