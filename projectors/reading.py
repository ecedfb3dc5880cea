"""Bytes of the ledger to records as today's code reads them; stops before what it can't read."""

from collections.abc import Iterable

from events.base import FACTS
from events.envelope import Record, UndecodableError, decode_record
from events.log import Message
from events.upcast import UnknownVersionError, upcast
from projectors.halt import HaltError
from projectors.passed_over import NOTHING, PassedOver

__all__ = ["read"]


def read(
    machine: str, messages: Iterable[Message], passed: PassedOver = NOTHING
) -> tuple[list[tuple[Record, bytes]], HaltError | None]:
    """The records up to the first that today's code can't read, and why it can't; without those ``passed`` over."""
    read_so_far: list[tuple[Record, bytes]] = []
    for message in messages:
        if passed and passed.has(machine, message):
            continue
        try:
            record = upcast(decode_record(message.value, partition=message.partition, offset=message.offset))
            _check(machine, record)
        except UndecodableError as error:
            return read_so_far, _halted(machine, message, error)
        read_so_far.append((record, message.value or b""))
    return read_so_far, None


def _check(machine: str, record: Record) -> None:
    if record.type not in FACTS or record.machine != machine:
        raise UndecodableError(f"found the type {record.type}, wanted a fact of the machine {machine}")


def _halted(machine: str, message: Message, error: UndecodableError) -> HaltError:
    code = "LEDGER_FROM_FUTURE" if isinstance(error, UnknownVersionError) else "LEDGER_UNREADABLE"
    text = f"{machine}/{message.partition} offset {message.offset}: {error}"
    return HaltError(code, text, machine=machine, partition=message.partition, offset=message.offset)
