"""Why an archive identity is held by whom it is, and why others were refused it."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.answer import Answer
from service.helping import NOBODY, Help
from service.wording import human_time, quoted

__all__ = ["identity_why", "unknown_identity"]

Row = Mapping[str, Any]

_REFUSALS_TOLD = 5


def identity_why(identity: str, history: Sequence[Row]) -> Answer:
    """From its records, the newest first."""
    facts = [row for row in history if not row["is_refusal"]]
    refused = [row for row in history if row["is_refusal"]]
    last = facts[0] if facts else None
    state = str(last["tostate"]) if last else "Free"
    holder = last["data"].get("holder") if last and state == "Reserved" else None
    is_disputed = holder is not None and bool(refused) and refused[0]["time"] > facts[0]["time"]
    return Answer(
        subject=identity,
        state=state,
        since_at=last["time"] if last else None,
        because=_because(last, holder),
        who="an operator" if is_disputed else NOBODY,
        evidence=tuple(_told(row) for row in refused[:_REFUSALS_TOLD]),
        help=_help(identity, str(holder["subject"])) if is_disputed and holder else (),
    )


def unknown_identity(identity: str) -> Answer:
    """The answer for one that nobody has asked for."""
    return Answer(
        identity, None, None, "no file has asked for it; meridian file show names a file's identity"
    )


def _because(last: Row | None, holder: Row | None) -> str:
    if holder is not None and last is not None:
        by = f"{last['type']} by {last['actor']}" + (f": {last['reason']}" if last["reason"] else "")
        return f"{holder['subject']} version {holder['version']} holds it ({by})"
    return "nobody holds it" + (f", since {last['type']} by {last['actor']}" if last else "")


def _told(row: Row) -> str:
    reasons = "; ".join((row["data"] or {}).get("reasons", ()))
    return f"refused at {human_time(row['time'])} to {row['actor']}: {reasons}"


def _help(identity: str, holder: str) -> tuple[Help, ...]:
    name = quoted(identity)
    return (
        Help(f"meridian identity show {name}", "to see both sides"),
        Help(
            f"meridian identity transfer {name} --to FILE --reason '…'", "if the other file is the right one"
        ),
        Help(f"meridian why {quoted(f'file:{holder}')}", "to see the file that has it"),
    )
