"""Of ``status``: how observing programs stand, what failed in them, what is overdue, and which claims end."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from machines.op_state import OpState
from service.wording import ago, counted, human_time, quoted

__all__ = ["overdue_told", "program_attention", "program_lines"]

Row = Mapping[str, Any]


def program_attention(health: Mapping[str, list[dict[str, Any]]], now: datetime) -> Iterator[str]:
    """What a person should look at: what does not go on by itself, and what was due."""
    for row in health["program_failures"]:
        if row["parts"] > row["tried_again"]:
            what = f"{row['step']} failed with {row['code']} in {counted(row['ops'], 'observing program')}"
            yield f"{what}, first {ago(row['oldest_at'], now)}; meridian op why {quoted(row['example'])}"
    for row in health["overdue"]:
        yield f"{overdue_told(row)}; meridian op list --overdue"


def overdue_told(row: Row) -> str:
    """Whose it is, since when, and who has been told."""
    told = f"the {row['told_to']} {row['who']} was told" if row["told_to"] else f"{row['who']} is told next"
    since = (
        f"since {human_time(row['due_at'])}" if row["due_at"] is not None else "since before it was due anew"
    )
    return f"{counted(row['ops'], 'observing program')} overdue {since}, such as {row['example']}: {told}"


def program_lines(health: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    """One line of states, one of what is tried again by itself, one of claims; nothing where there are no programs."""
    if not health["programs"]:
        return
    order = [each.value for each in OpState]
    rows = sorted(health["programs"], key=lambda row: order.index(row["state"]))
    held = sum(row["held"] for row in rows)
    states = ", ".join(f"{row['ops']} {row['state']}" for row in rows)
    yield f"observing programs: {states}{f'; {held} of them held' if held else ''}"
    again = sum(row["tried_again"] for row in health["program_failures"])
    if again:
        yield f"failed in observing programs and tried again by themselves: {counted(again, 'part')}"
    claims = health["claims"]
    if claims:
        count, warned = sum(row["claims"] for row in claims), sum(row["warned"] for row in claims)
        told = f", {warned} of them warned that it runs out" if warned else ""
        next_ = f"the next ends at {human_time(claims[0]['next_at'])} ({claims[0]['claimant']}, {claims[0]['next']})"
        yield f"claimed: {counted(count, 'attempt')} of {counted(len(claims), 'claimant')}{told}; {next_}"
