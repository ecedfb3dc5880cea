"""Requests and facts of an archive identity (a KOAID and the like): one holder at a time, the first reserve wins."""

from typing import ClassVar

from pydantic import Field

from events.base import Fact, Request
from events.refusal import Refused
from events.types import Name, Part, Sha256

__all__ = [
    "Holder",
    "IdentityRefused",
    "IdentityReleased",
    "IdentityReserved",
    "IdentityTransferred",
    "ReleaseIdentity",
    "ReserveIdentity",
    "TransferIdentity",
]


class Holder(Part):
    """Who holds an identity: a version of a file, and the SHA-256 of its bytes as evidence."""

    subject: Name
    version: int = Field(ge=1)
    sha256: Sha256


class ReserveIdentity(Request):
    """A file wants this identity."""

    name: ClassVar[str] = "identity.reserve"
    holder: Holder


class ReleaseIdentity(Request):
    """The identity becomes free again; operator with a reason."""

    name: ClassVar[str] = "identity.release"
    holder: Holder | None = Field(None, description="the holder expected; None: whoever holds it")


class TransferIdentity(Request):
    """The identity goes to another file; operator with a reason."""

    name: ClassVar[str] = "identity.transfer"
    to: Holder


class IdentityReserved(Fact):
    """The identity belongs to this holder."""

    name: ClassVar[str] = "identity.reserved"
    holder: Holder


class IdentityReleased(Fact):
    """The identity is free again."""

    name: ClassVar[str] = "identity.released"
    holder: Holder


class IdentityTransferred(Fact):
    """The identity has gone from one holder to another."""

    name: ClassVar[str] = "identity.transferred"
    holder: Holder
    former: Holder


class IdentityRefused(Refused):
    """A request about an identity was refused; ``holder`` is who has it."""

    name: ClassVar[str] = "identity.refused"
    holder: Holder | None = None
