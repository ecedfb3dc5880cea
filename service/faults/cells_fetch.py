"""Cells of the row "worker" that need a file to be fetched from a store: what comes is cut, wrong, or finds no room."""

import hashlib
from collections.abc import Generator
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random

from service.audit.expected import State
from service.faults.arena import Arena
from service.faults.aside import aside, patiently
from service.faults.cell import Cell, NotFiredError, Steps
from service.faults.hostile_files import a_fits_file
from service.faults.own_streams import (
    BUCKET,
    FETCHED,
    TROUBLES,
    announce,
    mark_of,
    storage_of,
    with_streams,
)
from service.faults.s3_faults import S3Fault, Spoil
from service.faults.tmpfs import lay_over, take_away, why_not_here

__all__ = ["CELLS"]

ROW = "worker"
_SIZE_BYTES = 600_000
_ROOM_BYTES = 128 * 1024
_FIRE_S = 40.0


def _read_spoiled(spoil: Spoil, states: tuple[str, ...], arena: Arena, dice: Random) -> Steps:
    """What the store has is right, and what comes from it is not."""
    name = yield from _stored(arena, dice)
    proxy, before = arena.s3_proxy, arena.s3_proxy.spoiled
    proxy.arm(S3Fault(spoil, methods=frozenset({"GET"}), times=dice.randint(1, 3), part=name))
    try:
        _announce(arena, name, states, dice)
        yield from arena.until(
            lambda: proxy.spoiled > before, within_s=_FIRE_S, what="the file fetched", fails=NotFiredError
        )
        yield from arena.pause(3.0)
    finally:
        proxy.heal()


def _no_room(arena: Arena, dice: Random) -> Steps:
    """The disk on which files are staged is full: they wait, and none of them is to blame."""
    name = yield from _stored(arena, dice)
    staging = arena.settings.data / "staging"
    staging.mkdir(parents=True, exist_ok=True)
    yield from aside(partial(lay_over, staging, size_bytes=_ROOM_BYTES))
    try:
        _announce(arena, name, ("COMPLETE",), dice)
        with suppress(NotFiredError):
            yield from arena.until(
                lambda: any(staging.iterdir()), within_s=_FIRE_S, what="a staged file", fails=NotFiredError
            )
        yield from arena.pause(dice.uniform(4.0, 8.0))
    finally:
        take_away(staging)


def _stored(arena: Arena, dice: Random) -> Generator[None, None, str]:
    """Put a good file into the store, not through the proxy; its name."""
    yield from with_streams(arena)
    name = f"f{mark_of(dice)}.fits"
    path = Path(arena.root) / name
    path.write_bytes(a_fits_file(name, size_bytes=_SIZE_BYTES))

    def put() -> None:
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        storage_of(arena).put_file(path, bucket=BUCKET, key=name, sha256=sha256, size_bytes=len(content))

    yield from patiently(put, what=f"{name} in the store", errors=TROUBLES)
    return name


def _announce(arena: Arena, name: str, states: tuple[str, ...], dice: Random) -> None:
    content = (Path(arena.root) / name).read_bytes()
    (Path(arena.root) / name).unlink()
    subject = f"{FETCHED}/{name.removesuffix('.fits')}"
    told = {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    announce(
        arena,
        stream=FETCHED,
        uri=f"s3://{BUCKET}/{name}",
        subject=subject,
        dice=dice,
        lines=lambda: [State(subject, states)],
        **told,
    )


CELLS = (
    Cell("worker.s3_read_cut", ROW, partial(_read_spoiled, Spoil.TRUNCATE, ("COMPLETE",)), ("worker", "s3")),
    # Its sum says that it is not what was announced, and nobody can tell the store's error from the sender's.
    Cell(
        "worker.s3_read_wrong_bytes",
        ROW,
        partial(_read_spoiled, Spoil.WRONG_BYTES, ("COMPLETE", "INVALID")),
        ("worker", "s3"),
    ),
    Cell("worker.disk_full", ROW, _no_room, ("worker",), not_here=why_not_here),
)
