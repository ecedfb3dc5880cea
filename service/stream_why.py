"""Why a stream takes files or does not: its state, a hold, a fault, an announced silence or one that was not."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service.answer import Answer
from service.helping import NOBODY, Help
from service.wording import counted, human_time

__all__ = ["stream_why", "unknown_stream"]

Row = Mapping[str, Any]

_SAYS = {
    "Enabled": "its files are taken in and worked on",
    "Disabled": "its files are taken in and queued; no work is done on them",
    "Standby": "it is configured and was not started",
    "Offline": "silence is expected of it",
    "Fault": "something is wrong with it as a whole",
}
_NEXT = {"Disabled": "enable", "Standby": "start", "Offline": "standby", "Fault": "standby"}


def stream_why(row: Row) -> Answer:
    """From a row of ``v1.stream``, with ``files``: how many it has."""
    stream, state = str(row["stream"]), str(row["state"])
    because = _SAYS.get(state, state) + (f": {row['fault']}" if row["fault"] else "")
    held = row["held"] and f"; no work is done: it is on hold: {row['held_reason'] or 'no reason given'}"
    needs_somebody = row["held"] or state == "Fault"
    owner = (row["configuration"] or {}).get("owner")
    return Answer(
        subject=stream,
        state=state,
        since_at=row["since_at"],
        because=because + (held or ""),
        who=(f"its owner {owner}" if owner else "an operator") if needs_somebody else NOBODY,
        again_at=row["offline_until"],
        evidence=(counted(row["files"], "file"), *_silences(row)),
        help=tuple(_help(stream, row)),
    )


def unknown_stream(stream: str, known: Iterable[str]) -> Answer:
    """The answer for one that nobody has configured."""
    there = ", ".join(known) or "none yet"
    apply = Help("meridian stream apply FILE", "to configure it")
    return Answer(stream, None, None, f"no stream has this name; there are {there}", help=(apply,))


def _silences(row: Row) -> Iterator[str]:
    for each in row["silences"] or ():
        yield f"no {each['purpose']} file since {each['since_at']}, wanted one every {each['every_s']:g} s"


def _help(stream: str, row: Row) -> Iterator[Help]:
    if row["held"]:
        yield Help(f"meridian stream unhold {stream}", f"on hold since {human_time(row['held_at'])}")
    if verb := _NEXT.get(str(row["state"])):
        yield Help(f"meridian stream {verb} {stream}", "to bring it nearer to work")
