"""Cells of the row "bytes": hostile input at the door, on the requests themselves, in files; each is to be answered."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from service.audit.expected import ExpectedLine, Hostile
from service.faults.arena import Arena
from service.faults.cell import QUICK, Cell, Steps
from service.faults.hostile_files import HostileFile, a_fits_file, hostile_files
from service.faults.hostile_messages import HostileMessage, hostile_messages
from service.faults.hostile_requests import HostileRequest, hostile_requests
from service.faults.load import Out
from service.faults.own_streams import (
    SENDER,
    announce_hostile,
    hostile_folder,
    load_of,
    mark_of,
    with_streams,
)

__all__ = ["CELLS", "FILES", "MESSAGES", "REQUESTS"]

ROW = "bytes"
STREAM = "hostile-fits"
_FILES_AT_ONCE = 3

MESSAGES: Mapping[str, tuple[str, ...]] = {
    "not_json": ("not_json", "number", "headers_that_lie", "data_is_text", "size_as_text"),
    "not_utf8": ("not_utf8",),
    "header_name_not_utf8": ("header_name_not_utf8",),
    "over_a_megabyte": ("too_large", "long_id"),
    "depth_10000": ("deep_lists", "deep_objects"),
    "unknown_type": ("unknown_type", "no_data"),
    "future_version": ("future_version", "other_specversion"),
    "null_key_or_value": ("null_value", "null_key", "empty"),
    "wrong_hash": ("wrong_hash",),
    "nul": ("only_nul", "nul_in_id", "nul_in_uri"),
    "nan": ("a_bare_nan", "negative_size"),
    "climbs_out": ("climbs_out", "climbs_out_escaped", "escaped_twice", "outside", "other_scheme"),
    "sql": ("unknown_type_sql", "sql_for_a_stream"),
    "not_its_own": ("another_sender", "unknown_stream"),
}
"""What goes to the inbox, by cell."""

REQUESTS: Mapping[str, tuple[str, ...]] = {
    "not_json": ("not_json", "no_id", "schema"),
    "not_utf8": ("not_utf8",),
    "over_a_megabyte": ("too_large",),
    "depth_10000": ("deep",),
    "unknown_type": ("unknown_type",),
    "null_key_or_value": ("null_value", "null_key"),
    "nul": ("nul_in_subject", "nul_in_text"),
    "nan": ("a_bare_nan", "negative_sequence"),
    "climbs_out": ("climbs_out",),
    "sql": ("sql_for_a_type", "not_allowed_here"),
    "not_its_own": ("another_key",),
}
"""What goes straight to the requests, past the door, in the same cells."""

FILES = ("fits", "asdf")
"""Formats of hostile files: a cell each, some files at once."""


def _said(name: str, arena: Arena, dice: Random) -> Steps:
    """All of this kind, at the door and past it."""
    yield from with_streams(arena)
    mark = mark_of(dice)
    root = f"{hostile_folder(arena).as_uri()}/"
    for message in hostile_messages(sender=SENDER, stream=STREAM, root=root, mark=mark):
        if message.name in MESSAGES[name]:
            _send_message(arena, message)
    partitions = arena.settings.partitions["file"]
    for request in hostile_requests(stream=STREAM, mark=mark, partitions=partitions):
        if request.name in REQUESTS.get(name, ()):
            _send_request(arena, request)
    if name == "wrong_hash":
        _send_file_with_another_hash(arena, mark, dice)
    yield from arena.pause(0.5)


def _send_message(arena: Arena, message: HostileMessage) -> None:
    load_of(arena).send_hostile(
        arena.wiring.topics.inbox(SENDER),
        message.value,
        what=f"inbox: {message.name}",
        code=message.code,
        # Kafka keeps records with neither key nor value, but its Python clients send none.
        key=message.key,
        headers=message.headers,
    )


def _send_request(arena: Arena, request: HostileRequest) -> None:
    def note(topic: str, partition: int, offset: int) -> list[ExpectedLine]:
        what = f"requests: {request.name}"
        if request.request_id is None:
            return [Hostile(what, request.code, origin=f"{topic}/{partition}/{offset}")]
        subject = (request.key or b"").decode()
        return [Hostile(what, request.code, subject=subject, request_id=request.request_id)]

    load_of(arena).send(Out(arena.wiring.topics.requests("file"), request.key, request.value, (), note))


def _send_file_with_another_hash(arena: Arena, mark: str, dice: Random) -> None:
    """A good file, announced with the sum of another one."""
    path = hostile_folder(arena) / f"hash-{mark}.fits"
    path.write_bytes(a_fits_file(mark, size_bytes=5000))
    announce_hostile(arena, stream=STREAM, path=path, code="CHECKSUM_MISMATCH", dice=dice, sha256="0" * 64)


def _in_files(form: str, arena: Arena, dice: Random) -> Steps:
    """Some hostile files of one format: each is INVALID under its code, and its reader is all it can harm."""
    yield from with_streams(arena)
    mark = mark_of(dice)
    every = [each for each in hostile_files(mark=mark) if each.format == form]
    for hostile in dice.sample(every, _FILES_AT_ONCE):
        _send_file(arena, hostile, mark, dice)
        yield


def _send_file(arena: Arena, hostile: HostileFile, mark: str, dice: Random) -> None:
    path = hostile_folder(arena) / f"{hostile.name}-{mark}.{hostile.format}"
    path.write_bytes(hostile.content)
    announce_hostile(arena, stream=f"hostile-{hostile.format}", path=path, code=hostile.code, dice=dice)


def _cell(name: str, inject: Callable[[Arena, Random], Steps]) -> Cell:
    return Cell(f"bytes.{name}", ROW, inject, (), share=QUICK)


CELLS = (
    *(_cell(name, partial(_said, name)) for name in MESSAGES),
    *(_cell(f"hostile_{form}", partial(_in_files, form)) for form in FILES),
)
