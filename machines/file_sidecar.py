"""Deciding on a file's companion. No state waits for it: that it is late is a warning, and a later one withdraws that.

What the sidecar's name says of its primaries, and by when a primary wants one, comes with the requests: both follow
from the stream's policy. The file's own subject is the one place where the two meet, so their order does not matter.
"""

from events.base import Request
from events.file_sidecar import FilePaired, FileSidecarDue, FileSidecarLate, PairFile
from events.types import WarningFinding
from machines.file_life import FILE_LIFE
from machines.file_state import File, FileState, Version
from machines.file_work import Rule, Ruled
from machines.ruling import Accepted, Ask, Refusal, Ruling

__all__ = ["LATE", "SIDECARS", "pair"]

LATE = "SIDECAR_LATE"


def pair(file: File, ask: Ask) -> Ruling:
    """A sidecar is there: whenever it comes, also before its primary. One is enough; others are no news."""
    request = ask.payload
    assert isinstance(request, PairFile)
    newest = file.newest
    state = newest.state if newest else FileState.NOTHING
    told = newest.state.value if newest else None
    if file.sidecar is not None:
        reason = f"its sidecar {file.sidecar} is known already; nothing to do"
        return Refusal((reason,), told, FILE_LIFE.allowed(state), version=newest.number if newest else None)
    fact = FilePaired(
        sidecar=request.sidecar,
        sidecar_version=request.sidecar_version,
        withdraws=(LATE,) if any(LATE in each.warnings for each in file.versions.values()) else (),
    )
    FILE_LIFE.after(fact.name, state, state)
    if newest is None:
        return Accepted(fact, None, None)
    return Accepted(fact, told, told, newest.number, newest.attempt)


def sidecar_due(file: File, version: Version, ask: Ask) -> Ruled:
    """By the deadline that is still current: nothing has come, and nothing waits for it any longer."""
    request = ask.payload
    assert isinstance(request, FileSidecarDue)
    if request.due_sequence != file.sidecar_due_sequence:
        return [f"the deadline of sequence {request.due_sequence} is not current"]
    message = "no sidecar of it was COMPLETE when one was due; the file goes its way without it"
    warning = WarningFinding(code=LATE, message=message, found="none", wanted="a sidecar")
    fact = FileSidecarLate(due_sequence=request.due_sequence, warnings=(warning,))
    return fact, version.state, version.attempt


SIDECARS: dict[type[Request], Rule] = {FileSidecarDue: sidecar_due}
