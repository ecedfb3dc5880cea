"""Files that share a child: only those in order do, and what one of them does harms no other's verdict."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from consumers.child import TOGETHER_BYTES, ChildResult, Inspector, Limits
from consumers.child_at_work import Asked, Child
from consumers.child_frames import frame
from consumers.child_run import FILES_AT_MOST
from consumers.formats import Expected, Format

MISBEHAVING = Format("misbehaving", "text/plain", (), "tests.consumers.formats.misbehaving")
# So much by the clock that what computes meets the limit of processor time, however busy the machine of the tests is.
LIMITS = Limits(memory_bytes=64 * 1024**2, cpu_s=1, wall_s=60.0)


@pytest.fixture(scope="module")
def inspector():
    with Inspector([MISBEHAVING, "any"], LIMITS) as running:
        running.wait_ready()
        yield running


def inspected(inspector, folder: Path, order: str, *, together: str | None = "s", limits=None) -> ChildResult:
    path = folder / f"{threading.get_ident()}-{time.monotonic_ns()}.txt"
    path.write_text(order)
    return inspector.inspect(path, "misbehaving", Expected(path.name), limits=limits, together=together)


def answer(result: ChildResult) -> str:
    assert result.inspection is not None, (result.failure, result.usage.log_tail)
    assert result.inspection.verdict == "ok", result.inspection.message
    return str(next(each.value for each in result.inspection.qa if each.check == "answer"))


def code(result: ChildResult) -> str | None:
    return result.inspection.code if result.inspection else result.failure.code


def test_files_in_order_are_read_by_one_child_one_after_the_other(inspector, tmp_path):
    children = [answer(inspected(inspector, tmp_path, "who")) for _ in range(5)]
    assert len(set(children)) == 1


def test_files_of_different_streams_never_share_a_child(inspector, tmp_path):
    children = [answer(inspected(inspector, tmp_path, "who", together=name)) for name in ("a", "b", "a", "b")]
    assert children[0] == children[2] != children[1] == children[3]


def test_a_file_for_itself_and_a_large_one_have_a_child_of_their_own(inspector, tmp_path):
    ours = answer(inspected(inspector, tmp_path, "who"))
    assert answer(inspected(inspector, tmp_path, "who", together=None)) != ours
    path = tmp_path / "large.txt"
    path.write_text("who ")
    with path.open("r+b") as file:
        file.truncate(TOGETHER_BYTES + 1)
    large = inspector.inspect(
        path, "misbehaving", Expected(path.name), together="s", limits=Limits(memory_bytes=1024**3)
    )
    assert answer(large) != ours


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("crash", "UNSAFE_CONTENT"),
        ("fill-memory", "LIMIT_EXCEEDED"),
        ("spin", "LIMIT_EXCEEDED"),
        ("end 3", "READER_BUG"),
        ("kill-self", "CHILD_KILLED"),
        ("raise the reader is wrong", "READER_BUG"),
        ("run id", "UNSAFE_CONTENT"),
        ("connect-and-swallow 1", "UNSAFE_CONTENT"),
        ("say-too-much", "READER_BUG"),
        ("say-it-deep", "READER_BUG"),
    ],
)
def test_what_a_file_does_after_others_is_found_out_in_a_child_of_its_own_and_stays_there(
    inspector, tmp_path, order, wanted
):
    first = answer(inspected(inspector, tmp_path, "who"))
    assert code(inspected(inspector, tmp_path, order)) == wanted
    after = [answer(inspected(inspector, tmp_path, "who")) for _ in range(2)]
    assert first not in after, "nothing is read by a child in which something went wrong"


@pytest.mark.parametrize("way", ["crash", "find-fault", "raise", "kill-self", "spin", "fill-memory"])
def test_a_file_that_spoils_its_child_spoils_no_other_files_verdict(inspector, tmp_path, way):
    assert answer(inspected(inspector, tmp_path, f"poison {way}")) == "poisoned"
    assert answer(inspected(inspector, tmp_path, "nothing")) == "done"
    assert answer(inspected(inspector, tmp_path, "nothing")) == "done"


def test_each_file_has_the_whole_time_and_after_others_it_is_given_it_again_alone(inspector, tmp_path):
    short = Limits(wall_s=2.0)
    before = answer(inspected(inspector, tmp_path, "who", limits=short))
    for _ in range(4):
        assert answer(inspected(inspector, tmp_path, "sleep 0.6", limits=short)) == "None"
    assert answer(inspected(inspector, tmp_path, "who", limits=short)) == before, (
        "one clock a file, not a child"
    )
    slow = inspected(inspector, tmp_path, "sleep 60", limits=short)
    assert code(slow) == "LIMIT_EXCEEDED"
    assert slow.inspection is not None
    assert "2 s" in str(slow.inspection.message)
    assert 2.0 <= slow.usage.wall_s < 10


def test_each_file_has_the_whole_processor_time(inspector, tmp_path):
    children = [answer(inspected(inspector, tmp_path, "who"))]
    for _ in range(4):
        assert answer(inspected(inspector, tmp_path, "burn 0.5")) == "burnt"
    children.append(answer(inspected(inspector, tmp_path, "who")))
    assert len(set(children)) == 1, "2 s of processor time in one child whose files may take 1 s each"


def test_what_is_left_in_memory_never_counts_against_the_next_file(inspector, tmp_path):
    for _ in range(6):
        assert answer(inspected(inspector, tmp_path, "keep 20000000")) == "kept"


def test_a_file_that_leaves_something_written_is_the_last_of_its_child(inspector, tmp_path):
    first = answer(inspected(inspector, tmp_path, "who"))
    loud = inspected(inspector, tmp_path, "shout 10")
    assert answer(loud) == "None"
    assert loud.usage.log_tail.endswith("end of the log\n")
    quiet = inspected(inspector, tmp_path, "who")
    assert answer(quiet) != first
    assert quiet.usage.log_tail is None


def test_what_goes_wrong_among_many_harms_none_of_the_others(inspector, tmp_path):
    orders = (["who"] * 7 + ["crash"] + ["who"] * 3 + ["spin"] + ["kill-self"]) * 4
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda order: inspected(inspector, tmp_path, order), orders))
    wanted = {"who": None, "crash": "UNSAFE_CONTENT", "spin": "LIMIT_EXCEEDED", "kill-self": "CHILD_KILLED"}
    assert [code(each) for each in results] == [wanted[order] for order in orders]


def test_files_wait_for_a_slow_one_no_longer_than_a_moment(inspector, tmp_path):
    with ThreadPoolExecutor(12) as threads:
        slow = [threads.submit(inspected, inspector, tmp_path, "sleep 6") for _ in range(4)]
        time.sleep(0.1)
        began = time.monotonic()
        assert answer(inspected(inspector, tmp_path, "nothing")) == "done"
        waited_s = time.monotonic() - began
        assert not any(each.done() for each in slow), "answered while the slow ones were read"
        assert waited_s < 5
        assert {answer(each.result(20)) for each in slow} == {"None"}


def test_a_child_takes_no_more_than_so_many_files(inspector, tmp_path):
    children = [answer(inspected(inspector, tmp_path, "who")) for _ in range(2 * FILES_AT_MOST + 6)]
    assert max(children.count(each) for each in set(children)) <= FILES_AT_MOST


def test_usage_is_each_files_own(inspector, tmp_path):
    inspected(inspector, tmp_path, "burn 0.5")
    usage = inspected(inspector, tmp_path, "nothing").usage
    assert usage.cpu_s < 0.5
    assert 0 < usage.bytes_read < 100_000
    assert usage.peak_rss_bytes > 10 * 1024**2
    assert usage.exit == "0"


def a_child(**other) -> Child:
    request = {"id": 1, "format": "any", "limits": LIMITS.to_dict(), "together": "s"}
    asked = Asked(request, file_fd=-1, since=0.0)
    return Child(**{"pid": 0, "asked": asked, "result_fd": -1, "log_fd": -1, "control": None,
                    "company": asked.company, "started": 0.0, **other})  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\x00\x00\x02[]",
        frame({"inspection": []}),
        frame({"inspection": {"verdict": "ok"}, "tried": ["x"]}),
    ],
)
def test_a_child_that_says_something_odd_is_not_clean(monkeypatch, said):
    killed: list[object] = []
    monkeypatch.setattr("os.kill", lambda *told: killed.append(told))
    child = a_child()
    child.take_result(said)
    assert not child.is_clean
    assert child.report(0)["cpu_s"] == 0.0


def test_a_child_without_a_way_in_takes_no_file():
    child = a_child()
    assert child.asked is not None
    assert not child.give(child.asked)
