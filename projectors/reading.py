"""Bytes of the ledger to records as today's code reads them; stops before what it can't read."""

from collections.abc import Iterable

from events.base import FACTS
from events.envelope import Record, UndecodableError, decode_record
from events.log import Message
from events.upcast import upcast
from projectors.halt import HaltError

__all__ = ["read"]


def read(machine: str, messages: Iterable[Message]) -> tuple[list[tuple[Record, bytes]], HaltError | None]:
    """The records up to the first that today's code can't read, and why it can't."""
    read_so_far: list[tuple[Record, bytes]] = []
    for message in messages:
        try:
            record = upcast(decode_record(message.value, partition=message.partition, offset=message.offset))
            _check(machine, record)
        except UndecodableError as error:
            place = f"{machine}/{message.partition} offset {message.offset}"
            return read_so_far, HaltError(f"{place}: {error}; see meridian recover --explain")
        read_so_far.append((record, message.value or b""))
    return read_so_far, None


def _check(machine: str, record: Record) -> None:
    if record.type not in FACTS or record.machine != machine:
        raise UndecodableError(f"found the type {record.type}, wanted a fact of the machine {machine}")
