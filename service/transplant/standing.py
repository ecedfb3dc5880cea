"""That an import is under way: a halt of every part that follows or writes the ledger, until all of it is there."""

from sqlalchemy import Connection, Engine, func, insert

from projectors import recoveries
from projectors.decided import halt
from projectors.recoveries import StandingHalt
from service.transplant.manifest import Manifest, TransplantError

__all__ = ["CODE", "begin", "end", "under_way"]

CODE = "IMPORT_UNDER_WAY"
_PARTS = ("decider", "projector", "dispatch")


def under_way(connection: Connection) -> list[StandingHalt]:
    """The halts of an import that has begun and not ended."""
    return [each for each in recoveries.standing_halts(connection) if each.code == CODE]


def begin(engine: Engine, manifest: Manifest, folder: str) -> bool:
    """Let no role begin; True: this very import had begun before. Raises TransplantError where another one has."""
    with engine.begin() as connection:
        for each in under_way(connection):
            if each.details.get("digest") != manifest.digest:
                raise TransplantError(
                    f"found the import of another export under way ({each.details.get('folder')}, written at "
                    f"{each.details.get('exported_at')}), wanted that one, or empty servers; go on with it, or delete "
                    "the site's topics, make an empty database and import this one"
                )
        was_begun = bool(under_way(connection))
        told = {"digest": manifest.digest, "folder": folder, "exported_at": manifest.exported_at}
        message = (
            f"the export of {manifest.exported_at} is being brought in from {folder}, and its ledger is not whole "
            "yet; wanted all of it before anybody decides or reads on"
        )
        if not was_begun:
            rows = [
                {"part": part, "machine": "all", "partition": recoveries.EVERY, "code": CODE, "message": message,
                 "details": told, "halted_at": func.clock_timestamp()}
                for part in _PARTS
            ]  # fmt: skip
            connection.execute(insert(halt).values(rows))
    return was_begun


def end(connection: Connection, *, done: str, actor: str, reason: str) -> None:
    """All of it is there: roles may begin; who brought it in, and why, stays written down."""
    for each in under_way(connection):
        recoveries.clear(connection, each, done=done, actor=actor, reason=reason)
