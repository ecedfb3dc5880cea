"""Deciding what may happen: one machine a kind of subject. No clock, no I/O, no dice."""

from typing import Any

from machines.file import FILE
from machines.group import GROUP
from machines.identity import IDENTITY
from machines.op import OP
from machines.ruling import Accepted, Ask, Machine, Refusal, Ruling
from machines.stream import STREAM

__all__ = ["MACHINES", "Accepted", "Ask", "Machine", "Refusal", "Ruling"]

MACHINES: dict[str, Machine[Any]] = {machine.name: machine for machine in (FILE, GROUP, IDENTITY, OP, STREAM)}
