"""What a demo says at its end: counts, stages, a reason for each file that is not COMPLETE, and how to go on."""

from collections.abc import Iterator
from typing import Any

from service.demo.program_story import members_of_programs, story_of
from service.demo.progress import STATES
from service.demo.run import Result
from service.why_text import lines_of

__all__ = ["members_of", "summary"]


def summary(result: Result, *, psql: str) -> Iterator[str]:
    """The lines."""
    yield ""
    yield f"The night of {result.night} (seed {result.seed}), {result.standing.wanted} files, {result.seconds:.0f} s"
    yield ""
    yield from _states(result)
    yield ""
    yield from _stages(result)
    yield ""
    yield from _reasons(result)
    yield from _dead(result)
    yield from story_of(result.programs)
    yield ""
    yield from _verdict(result)
    yield ""
    yield "Look yourself:"
    yield f"  {psql}"
    yield "    select stream, state, count(*) from v1.file group by 1, 2;"
    yield "Go on:"
    yield "  ./meridian status"
    yield "  ./meridian file list --state ERROR"
    yield f"  ./meridian file why {_example(result)}"
    yield "  ./meridian deadletter list --causes"
    yield f"  ./meridian op history {result.programs.published}"
    yield "  ./meridian down"


def members_of(result: Result) -> dict[str, Any]:
    """The same for programs."""
    return {
        "seed": result.seed,
        "night": result.night,
        "landing": str(result.landing),
        "seconds": round(result.seconds, 1),
        "files": result.standing.wanted,
        "as_expected": not result.differences,
        "differences": result.differences,
        "counts": [
            {"stream": stream, "state": state, "files": files}
            for (stream, state), files in sorted(result.standing.tally.items())
        ],
        "stages": result.stages,
        "slowest_stage": _slowest(result),
        "not_complete": result.whys,
        "dead_letters": result.dead,
        "programs": members_of_programs(result.programs),
    }


def _states(result: Result) -> Iterator[str]:
    tally = result.standing.tally
    shown = [state for state in STATES if any(each == state for _, each in tally)]
    yield f"{'STREAM':12}" + "".join(f"{state:>14}" for state in shown)
    for stream in sorted({stream for stream, _ in tally}):
        yield f"{stream:12}" + "".join(f"{tally.get((stream, state), 0):14}" for state in shown)


def _stages(result: Result) -> Iterator[str]:
    yield f"{'STAGE':24}{'FILES':>7}{'MEDIAN S':>10}{'P95 S':>9}{'LONGEST S':>11}  LONGEST OF"
    for each in result.stages:
        yield (
            f"{each['stage']:24}{each['files']:7}{each['median_s']:10.3f}{each['p95_s']:9.3f}"
            f"{each['longest_s']:11.3f}  {each['longest_of']}"
        )
    slowest = _slowest(result)
    if slowest:
        yield f"the slowest stage was to {slowest}"


def _slowest(result: Result) -> str | None:
    """Of the stages that are work, not waiting and not the sum."""
    own = [each for each in result.stages if each["stage"] != "all of it"]
    return str(max(own, key=lambda each: each["median_s"])["stage"]) if own else None


def _reasons(result: Result) -> Iterator[str]:
    if not result.whys:
        return
    yield f"{len(result.whys)} files are not COMPLETE, each with its reason:"
    for answer in result.whys:
        yield ""
        yield from lines_of(answer)
    yield ""


def _dead(result: Result) -> Iterator[str]:
    if not result.dead:
        return
    yield f"{sum(cause.count for cause in result.dead)} messages could not be taken and are dead letters:"
    for cause in result.dead:
        yield f"  {cause.count} × {cause.code} from {cause.sender}: {cause.example[:160]}"
    yield ""


def _verdict(result: Result) -> Iterator[str]:
    if not result.differences:
        yield (
            f"Everything ended as expected: {result.standing.settled} of {result.standing.wanted} files, one observing "
            "program published, one Not Invertible."
        )
        return
    yield f"{len(result.differences)} ended otherwise than expected:"
    for each in result.differences:
        yield f"  {each}"


def _example(result: Result) -> str:
    found = sorted(result.standing.found)
    return result.whys[0].subject if result.whys else found[0] if found else "STREAM/NAME"
