"""Where an attempt at inverting a program stands, one rule for each state in which it has its program."""

from collections.abc import Callable, Mapping
from typing import Any

from service.helping import NOBODY, Help
from service.op_why_parts import Stand
from service.wording import counted, human_time, quoted

__all__ = ["attempt_stand"]

Row = Mapping[str, Any]
Told = dict[str, Any]


def attempt_stand(attempt: Row, *, is_stopped: bool) -> Stand:
    """Of a row of ``v1.op_attempt``; ``is_stopped``: something failed in it, which is told of by itself."""
    told = _RULES[str(attempt["state"])](attempt)
    if is_stopped:
        told |= {"who": NOBODY, "help": ()}
    evidence = list(told.pop("evidence", ()))
    if attempt.get("changed_since"):
        evidence.append("the datasets of its program are others by now than when it was claimed")
    return Stand(
        part=f"attempt {attempt['attempt']} on {attempt['program']}",
        state=str(attempt["state"]),
        since_at=attempt.get("since_at"),
        evidence=tuple(evidence),
        **told,
    )


def _working(row: Row) -> Told:
    who = str(row["claimant"])
    evidence = [f"what was handed in does not hold: {each}" for each in row.get("refused_reasons") or ()]
    if row.get("review") == "rework":
        evidence.append(f"{row.get('reviewer')} sent it back: {row.get('review_note')}")
    return {
        "because": f"{who} works on it; the claim ends at {human_time(row.get('lease_until'))}",
        "evidence": evidence,
        "who": who,
        "help": (
            Help(
                _command(row, "invert", " --product … --input … --repository … --commit …"),
                "to hand in products",
            ),
            Help(_command(row, "extend"), "to have more time"),
            Help(_command(row, "release"), "to give it back"),
        ),
    }


def _handed_in(row: Row) -> Told:
    products = counted(len(row.get("outputs") or ()), "product")
    return {
        "because": f"{products} handed in at {human_time(row.get('handed_in_at'))}: a worker verifies them next"
    }


def _verified(row: Row) -> Told:
    products = counted(row.get("verified_outputs") or 0, "product")
    return {
        "because": f"{products} verified; a review is awaited",
        "evidence": _commit(row),
        "who": f"a reviewer other than {row['claimant']}",
        "help": (
            Help(
                _command(row, "review", " --note '…'", " accept"), "or rework, or reject, in place of accept"
            ),
        ),
    }


def _accepted(row: Row) -> Told:
    return {
        "because": f"{row.get('reviewer')} accepted it ({row.get('review_note')}); nobody has asked to publish it",
        "evidence": _commit(row),
        "who": "an operator",
        "help": (Help(_command(row, "publish"), "to publish it"),),
    }


def _publishing(row: Row) -> Told:
    done = ", ".join(row.get("steps_done") or ()) or "none"
    return {"because": f"it is being published; steps done: {done}"}


def _published(row: Row) -> Told:
    identifier = f" as {row['identifier']}" if row.get("identifier") else ""
    until = human_time(row["embargo_until"]) if row.get("embargo_until") else "somebody lifts it"
    evidence = [f"kept from the public until {until}"] if row.get("is_embargoed") else []
    op, program = quoted(str(row["op"])), quoted(str(row["program"]))
    return {
        "because": f"published at {human_time(row.get('published_at'))}{identifier}",
        "evidence": evidence,
        "help": (Help(f"meridian op reinvert {op} --program {program}", "to work on it again"),),
    }


def _withdrawing(_row: Row) -> Told:
    return {"because": "it is being withdrawn: the portal's acknowledgement is awaited"}


def _other(row: Row) -> Told:
    return {"because": f"it is {row['state']}"}


def _commit(row: Row) -> list[str]:
    if row.get("commit_check") == "unverified":
        return [f"commit {row.get('commit_id')} could not be looked up in {row.get('repository')}"]
    return []


def _command(row: Row, verb: str, more: str = "", before: str = "") -> str:
    return f"meridian op {verb} {quoted(str(row['op']))}{before} --attempt {row['attempt']}{more}"


_RULES: dict[str, Callable[[Row], Told]] = {
    "Working": _working,
    "HandedIn": _handed_in,
    "Verified": _verified,
    "Accepted": _accepted,
    "Publishing": _publishing,
    "Published": _published,
    "Withdrawing": _withdrawing,
    "Rejected": _other,
    "Released": _other,
    "Superseded": _other,
    "Withdrawn": _other,
}
