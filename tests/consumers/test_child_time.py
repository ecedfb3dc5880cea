"""How long a child may live, and whose fault it is when that is over."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from consumers.child import HELD_UP_AT_MOST, Inspector, Limits
from consumers.child_at_work import Asked, Child
from consumers.child_checks import CheckTimeoutError, watched
from consumers.child_clock import OwnClock, Standing, standing_of
from consumers.child_limits import BEHIND_NICE, SAME_UP_TO_BYTES
from consumers.formats import Expected, Format
from consumers.formats.inspection import Inspection

MISBEHAVING = Format("misbehaving", "text/plain", (), "tests.consumers.formats.misbehaving")
LONGEST_S = 10.0
"""No child may live longer with a file as large as those of the corpus."""


@pytest.mark.parametrize("size_bytes", [0, 1, 104_000_000, SAME_UP_TO_BYTES])
def test_no_child_of_a_file_of_moderate_size_may_live_longer_than_ten_seconds(size_bytes):
    limits = Limits().for_size(size_bytes)
    for each in (limits, limits.behind(), limits.ahead(), limits.behind().ahead()):
        assert each.wall_s < LONGEST_S
        assert each.cpu_s + 2 < each.wall_s, (
            "whoever only computes meets the processor's limit, and it is said to"
        )


def test_larger_files_have_more_time_in_proportion_and_no_more_memory():
    limits = Limits(cpu_s=6, wall_s=9.0)
    larger = limits.for_size(4 * SAME_UP_TO_BYTES)
    assert (larger.cpu_s, larger.wall_s) == (24, 36.0)
    assert replace(larger, cpu_s=6, wall_s=9.0) == limits


def test_the_setting_gives_the_defaults():
    from service.settings import Settings

    assert Limits.of_seconds(Settings().reader_s) == Limits()


def test_each_time_a_reader_is_held_up_fewer_go_before_it():
    nices = [limits.nice for limits in _ever_further_ahead(Limits().behind(), HELD_UP_AT_MOST)]
    assert nices[0] == BEHIND_NICE
    assert nices == sorted(set(nices), reverse=True)
    assert nices[-1] == 0


def _ever_further_ahead(limits: Limits, times: int) -> list[Limits]:
    found = [limits]
    while len(found) < times:
        found.append(found[-1].ahead())
    return found


@pytest.mark.parametrize(
    ("standing", "wanted"),
    [
        (Standing(0.1, 0.0, "S"), False),
        (Standing(0.1, 2.0, "S"), False),
        (Standing(0.1, 3.0, "S"), True),
        (Standing(0.1, 0.0, "R"), True),
        (Standing(0.1, 0.0, "D"), True),
    ],
)
def test_who_waits_for_a_processor_or_a_disk_is_held_up(standing, wanted):
    assert standing.is_held_up(10.0) is wanted


def test_the_system_tells_how_a_process_stands():
    asleep = subprocess.Popen(
        [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"], stdout=-1
    )
    assert asleep.stdout is not None
    asleep.stdout.readline()
    until = time.monotonic() + 20
    while (
        (standing := standing_of(asleep.pid)) is None or standing.state != "S"
    ) and time.monotonic() < until:
        time.sleep(0.02)
    asleep.kill()
    asleep.communicate()
    assert standing is not None
    assert standing.state == "S"
    assert standing.ran_s > 0
    assert standing_of(asleep.pid) is None, "it is gone"
    ours = standing_of()
    assert ours is not None
    assert ours.state == "R"


@pytest.fixture(scope="module")
def inspector():
    with Inspector([MISBEHAVING]) as running:
        running.wait_ready()
        yield running


def inspected(inspector, tmp_path, order: str, limits: Limits):
    path = tmp_path / "order.txt"
    path.write_text(order)
    return inspector.inspect(path, "misbehaving", Expected(path.name), limits=limits)


def test_a_reader_that_the_clock_ends_in_the_middle_of_its_work_tells_nothing_against_the_file(
    inspector, tmp_path
):
    result = inspected(inspector, tmp_path, "burn 60", Limits(cpu_s=60, wall_s=0.5))
    assert result.inspection is None
    assert (result.failure.code, result.failure.failure_class) == ("READER_HELD_UP", "infrastructure")
    assert "0.5 s" in result.failure.message
    assert 0.5 <= result.usage.wall_s < 5, "of the last child alone"


def test_one_that_does_nothing_with_its_time_is_the_files_doing(inspector, tmp_path):
    result = inspected(inspector, tmp_path, "sleep 60", Limits(cpu_s=60, wall_s=2.0))
    assert result.inspection is not None
    assert result.inspection.code == "LIMIT_EXCEEDED"


REPLY = {"exit": -signal.SIGKILL, "wall_s": 9.0, "cpu_s": 1.0, "peak_rss_bytes": 1, "log": "", "messages": []}
OVER = {**REPLY, "killed_for": "wall", "is_held_up": True}
IN_ORDER = {
    **REPLY, "exit": 0, "killed_for": None, "is_held_up": False,
    "messages": [{"inspection": Inspection("ok", sha256="0" * 64, size_bytes=1).to_dict()}],
}  # fmt: skip


@pytest.mark.parametrize("times", range(HELD_UP_AT_MOST + 1))
def test_a_file_whose_reader_was_held_up_is_looked_into_again_alone_and_further_ahead(
    monkeypatch, tmp_path, times
):
    asked: list[dict[str, Any]] = []

    def ask(request: dict[str, Any], _fd: int, *, timeout_s: float) -> dict[str, Any]:
        asked.append(request)
        return OVER if len(asked) <= times else IN_ORDER

    inspector = Inspector([MISBEHAVING])
    monkeypatch.setattr(inspector, "_running", lambda: SimpleNamespace(ask=ask))
    path = tmp_path / "file"
    path.write_bytes(b"x")
    result = inspector.inspect(path, "misbehaving", Expected(path.name), together="s", is_behind=True)

    wanted = min(times + 1, HELD_UP_AT_MOST)
    assert [each["limits"]["nice"] for each in asked] == [BEHIND_NICE, 5, 0][:wanted]
    assert [each["together"] for each in asked] == ["s", None, None][:wanted]
    if times < HELD_UP_AT_MOST:
        assert result.inspection is not None
        assert result.inspection.verdict == "ok"
    else:
        assert result.inspection is None, "nothing is said against the file"
        assert result.failure is not None
        assert result.failure.code == "READER_HELD_UP"


def test_a_check_is_not_blamed_for_the_time_that_others_took(monkeypatch, tmp_path):
    told = {**OVER, "messages": [{"checking": {"name": "slow", "is_critical": False}}]}
    inspector = Inspector([MISBEHAVING])
    monkeypatch.setattr(inspector, "_running", lambda: SimpleNamespace(ask=lambda *_, **__: told))
    result = inspected(inspector, tmp_path, "nothing", Limits())
    assert result.failure is not None
    assert "its check slow" in result.failure.message


@pytest.fixture
def killed(monkeypatch) -> list[int]:
    found: list[int] = []
    monkeypatch.setattr("consumers.child_at_work.os.kill", lambda pid, _signal: found.append(pid))
    return found


@pytest.fixture
def child(killed) -> Child:
    asked = Asked({"id": 1, "format": "any", "limits": Limits().to_dict()}, file_fd=-1, since=0.0)
    return Child(7, asked, -1, -1, None, None, 100.0)


@pytest.mark.parametrize(("waited_s", "wanted"), [(0.0, False), (8.0, True)])
def test_how_a_child_stood_is_looked_at_before_it_is_killed_and_not_again(
    monkeypatch, child, killed, waited_s, wanted
):
    standings = iter([Standing(0.1, waited_s, "S"), Standing(0.1, 4.5, "Z")])
    monkeypatch.setattr("consumers.child_at_work.standing_of", lambda _: next(standings))
    child.out_of_time(109.1)
    child.out_of_time(109.2)
    assert killed == [7]
    assert child.report(-9)["killed_for"] == "wall"
    assert child.report(-9)["is_held_up"] is wanted


def test_where_the_system_does_not_tell_nothing_is_said_against_the_file(monkeypatch, child):
    monkeypatch.setattr("consumers.child_at_work.standing_of", lambda _: None)
    child.out_of_time(109.1)
    assert child.report(-9)["is_held_up"] is True


def test_what_ended_a_child_first_stays_the_reason(child):
    child.kill("result")
    child.out_of_time(109.1)
    assert child.report(-9)["killed_for"] == "result"


def test_a_process_s_own_clock_goes_on_while_it_sleeps_and_not_while_it_waits_for_a_processor(tmp_path):
    clock = OwnClock()
    began_s, before_s = time.monotonic(), clock.now_s()
    time.sleep(0.05)
    assert 0.04 < clock.now_s() - before_s <= time.monotonic() - began_s
    told = tmp_path / "schedstat"
    told.write_text("1000000000 2500000000 7\n")
    clock._fd = os.open(told, os.O_RDONLY)
    began_s, before_s = time.monotonic(), clock.now_s()
    told.write_text("1000000000 3500000000 7\n")
    own_s = clock.now_s() - before_s
    assert -1.0 <= own_s <= time.monotonic() - began_s - 1.0, "a second of waiting more is a second less"


def _slept(*, waiting: bool) -> None:
    """A check that sleeps for longer than it may; where it is waiting for a processor, as if others ran meanwhile."""
    began_s = time.monotonic()

    clock: Any = SimpleNamespace(now_s=lambda: began_s if waiting else time.monotonic())
    guard: Any = SimpleNamespace(tried=[])
    with watched(Limits(cpu_s=1), guard, lambda _: None, clock)("slow", False):
        time.sleep(0.8)


def test_a_check_has_its_own_time_and_none_that_others_take():
    before = signal.getsignal(signal.SIGALRM)
    try:
        _slept(waiting=True)
        with pytest.raises(CheckTimeoutError):
            _slept(waiting=False)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_child_may_ask_how_it_stands(inspector, tmp_path):
    """Its guard keeps it from all files but those of its own that tell what it has used."""
    result = inspected(inspector, tmp_path, "standing", Limits())
    assert result.inspection is not None, (result.failure, result.usage.log_tail)
    assert next(each.value for each in result.inspection.qa if each.check == "answer") == "R"
