"""Where an instrument program stands, one rule for each of its states."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from service.helping import Help
from service.op_why_parts import Finding, Stand
from service.wording import counted, human_time, quoted

__all__ = ["program_stand"]

Row = Mapping[str, Any]
Told = dict[str, Any]


class _Of(NamedTuple):
    """What a rule reads. ``is_stopped``: something that failed, or a hold, is in its way and is told of by itself."""

    row: Row
    failed: Sequence[Finding]
    now: datetime
    holder: Row | None
    is_stopped: bool

    def command(self, verb: str, more: str = "") -> str:
        """About this program, as it is typed."""
        row = self.row
        return f"meridian op {verb} {quoted(str(row['op']))} --program {quoted(str(row['program']))}{more}"

    @property
    def criteria(self) -> str:
        """As people say it: visp v1."""
        return f"{self.row.get('criteria')} v{self.row.get('criteria_version')}"


def program_stand(
    program: Row, failed: Sequence[Finding], *, now: datetime, holder: Row | None, is_stopped: bool
) -> Stand:
    """Of a row of ``v1.op_program``; ``failed`` are the criteria not met, ``holder`` the attempt that has it."""
    told = _RULES[str(program["state"])](_Of(program, failed, now, holder, is_stopped))
    return Stand(
        part=f"program {program['program']}",
        instrument=program.get("instrument"),
        state=str(program["state"]),
        since_at=program.get("since_at"),
        **told,
    )


def _discovered(of: _Of) -> Told:
    row, datasets = of.row, counted(of.row.get("datasets") or 0, "dataset")
    if row.get("is_ready"):
        how = row.get("ready_message") or row.get("ready_by") or "as far as anybody knows"
        return {
            "because": f"its {datasets} are all there ({how}), and no verdict holds yet: it is judged next"
        }
    expected = row.get("expected_datasets")
    so_far = f"{datasets} so far{f' of {expected} expected' if expected is not None else ''}"
    help_ = (Help(of.command("ready", " --reason '…'"), "if you know that all of its datasets are there"),)
    until = row.get("awaited_until")
    evidence = (str(row["forecast"]),) if row.get("forecast") else ()
    if until is None:
        because = f"{so_far}, and nobody has said that they are all there"
        return {"because": because, "who": "whoever sends the data, or an operator", "help": help_}
    policy = f"{row.get('readiness_policy')} v{row.get('readiness_version')}"
    because = f"{so_far}; {policy} takes them for all if nothing comes until {human_time(until)}"
    return {"because": because, "again_at": until, "evidence": evidence, "help": help_}


def _invertible(of: _Of) -> Told:
    return {"because": f"it passed {of.criteria}; its inputs are staged next"}


def _not_invertible(of: _Of) -> Told:
    required = len({each.criterion for each in of.failed if each.required})
    left_out = of.row.get("left_out") or 0
    more = (
        f"{counted(left_out, 'finding')} more in its record: meridian op history {quoted(str(of.row['op']))}",
    )
    number = f"{required} required criteria are" if required != 1 else "1 required criterion is"
    return {
        "because": f"{number} not met, as {of.criteria} judged at {human_time(of.row.get('judged_at'))}",
        "failed": tuple(of.failed),
        "evidence": more if left_out else (),
        "who": f"whoever answers for the data or for {of.criteria}",
        "help": (
            Help("meridian op scan SOURCE", "when its catalogue was mended, or has more of it"),
            Help("meridian op what-if --criteria FILE", "to see what other criteria would make of it"),
            Help(of.command("requalify", " --reason '…'"), "when the criteria in force are others by now"),
        ),
    }


def _not_applicable(of: _Of) -> Told:
    return {"because": f"{of.criteria} is for other instruments: it is context, and is not inverted"}


def _preprocessed(of: _Of) -> Told:
    unstaged = of.row.get("unstaged_because")
    if of.holder is not None:
        again = "; its inputs, which had been removed, are being staged again" if unstaged else ""
        return {"because": f"attempt {of.holder['attempt']} of {of.holder['claimant']} has it{again}"}
    if unstaged:
        where = f"its staged inputs were removed ({unstaged}); they are staged again for whoever claims it"
    elif of.row.get("staged_location"):
        where = f"its inputs are staged at {of.row['staged_location']}"
    else:
        where = f"nothing had to be staged ({of.row.get('not_needed_because') or 'no reason was given'})"
    if of.is_stopped:
        return {"because": f"{where}; it can't be claimed before that is mended or lifted"}
    return {
        "because": f"{where}, and nobody has claimed it",
        "who": "a scientist",
        "help": (
            Help(of.command("claim"), "to work on it"),
            Help("meridian op next", "to see its place in the queue"),
        ),
    }


_RULES: dict[str, Callable[[_Of], Told]] = {
    "Discovered": _discovered,
    "Invertible": _invertible,
    "Not Invertible": _not_invertible,
    "Not applicable": _not_applicable,
    "Preprocessed": _preprocessed,
}
