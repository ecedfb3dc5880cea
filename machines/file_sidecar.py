"""Deciding on a file's companion. No state waits for it: that it is late is a warning, and a later one withdraws that.

What the sidecar's name says of its primaries, and by when a primary wants one, comes with the requests: both follow
from the stream's policy. The file's own subject is the one place where the two meet, so their order does not matter.
"""

from events.base import Request
from events.file_sidecar import FilePaired, FileSidecarDue, FileSidecarLate, PairFile
from events.types import WarningFinding
from machines.file_beside import no_news, taken
from machines.file_state import File, Version
from machines.file_work import Rule, Ruled
from machines.ruling import Ask, Ruling

__all__ = ["LATE", "SIDECARS", "pair"]

LATE = "SIDECAR_LATE"


def pair(file: File, ask: Ask) -> Ruling:
    """A sidecar is there: whenever it comes, also before its primary. One is enough; others are no news."""
    request = ask.payload
    assert isinstance(request, PairFile)
    if file.sidecar is not None:
        return no_news(file, f"its sidecar {file.sidecar} is known already; nothing to do")
    fact = FilePaired(
        sidecar=request.sidecar,
        sidecar_version=request.sidecar_version,
        withdraws=(LATE,) if any(LATE in each.warnings for each in file.versions.values()) else (),
    )
    return taken(file, fact)


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
