"""Where PostgreSQL's folder is: beside the other data, or, where its user could not get there, elsewhere."""

import hashlib
import json
import os
from pathlib import Path

from service.stack.account import public_folder, reaches
from service.stack.place import Place, write_whole
from service.stack.server import Account

__all__ = ["note_of", "settle"]


def settle(place: Place, account: Account | None) -> Path:
    """The folder for PostgreSQL, made, owned by ``account`` and within its reach; the choice is written down."""
    noted = note_of(place)
    if noted:
        return noted
    if reaches(account, place.root):
        return _make(place.root / "postgres", account)
    name = hashlib.sha256(str(place.root).encode()).hexdigest()[:12]
    home = _make(public_folder(account) / name, account)
    write_whole(place.root / "postgres.json", str(home))
    return home


def note_of(place: Place) -> Path | None:
    """The folder elsewhere, if one was chosen and is still there."""
    note = place.root / "postgres.json"
    if not note.exists():
        return None
    home = Path(json.loads(note.read_text()))
    return home if home.exists() else None


def _make(home: Path, account: Account | None) -> Path:
    home.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(home, account.uid, account.gid)
    return home
