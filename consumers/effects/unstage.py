"""Unstage: staged inputs leave the work area, once it has been seen again that all that lies there is ours."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from consumers.claims import WorkItem
from consumers.effects.asking import Asks, report
from consumers.effects.preprocess import folder_of_program
from consumers.failures import Failed
from consumers.homes import Home
from consumers.tools import Tools
from consumers.unstaging import Left, remove_staged
from events.op_staging import ReportOpUnstaged

__all__ = ["unstage"]


def unstage(item: WorkItem, tools: Tools) -> Asks:
    """Look, remove, report. What does not agree is left where it is, and the report says so."""
    program, location = str(item.payload["program"]), str(item.payload["location"])
    told: dict[str, Any] = {"program": program, "location": location, "is_gone": True}
    try:
        folder = _inside(location, tools.homes.now(), item.subject, program, host=tools.host)
        found = remove_staged(folder, about={"op": item.subject, "program": program}, mark=item.event_id)
        if found is None:
            told["message"] = "nothing lay there any more"
        else:
            told |= {"files": found.files, "size_bytes": found.size_bytes, "message": "removed"}
    except (Failed, Left) as error:
        told |= {"is_gone": False, "message": str(error)[:2000]}
    except OSError as error:
        why = f"{location}: {error.strerror or error}; see to its owner and mode, then ask again"
        told |= {"is_gone": False, "message": why[:2000]}
    yield report(item, ReportOpUnstaged(**told))


def _inside(location: str, home: Home, subject: str, program: str, *, host: str) -> Path:
    """The folder, where it is one of this program in the work area in force. Raises Failed, Left."""
    parts = urlsplit(location)
    folder, wanted = Path(unquote(parts.path)), folder_of_program(home, subject, program)
    if parts.scheme != "file" or folder.parent != wanted:
        raise Left(
            f"{location}: lies outside {wanted}, the program's place in the work area in force; it stays"
        )
    area = wanted.parent.parent
    if not area.is_dir():
        raise Left(f"{location}: found no folder {area} on {host}; have a worker ask that sees it")
    if folder.resolve() != area.resolve() / folder.relative_to(area):
        raise Left(f"{location}: a link leads elsewhere from there; it stays")
    return folder
