"""Requests and facts about a sum that a manifest has of a file: the list of a delivery, beside the files it names."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from events.base import Fact, Request
from events.types import Code, Name, Number, Part, WarningFinding

__all__ = ["AttestFile", "Attested", "FileAttested", "Md5", "Sum", "Sums"]

Md5 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Sum = Annotated[str, Field(pattern=r"^([0-9a-f]{32}|[0-9a-f]{64})$", description="hex; MD5 or SHA-256")]
Sums = Annotated[dict[Name, Sum], Field(min_length=1, description="name of a file, its sum")]


class Attested(Part):
    """What came of comparing: whether the bytes read have the sum that the manifest names."""

    manifest: Name = Field(description="logical name of the manifest, in the same stream")
    agrees: bool | None = Field(None, description="None: nobody has taken a sum of this kind")
    found: Sum | None = None


class AttestFile(Request):
    """A manifest names this file. It may be the first word of it: manifests come before, between and after."""

    name: ClassVar[str] = "file.attest"
    manifest: Name = Field(description="logical name of the manifest, in the same stream")
    manifest_version: Number
    algorithm: Literal["MD5", "SHA-256"]
    sum: Sum


class FileAttested(Fact):
    """A manifest names this file. Until it has been read, the sum is remembered, and compared then."""

    name: ClassVar[str] = "file.attested"
    manifest: Name
    manifest_version: Number
    algorithm: Literal["MD5", "SHA-256"]
    sum: Sum
    agrees: bool | None = Field(
        None, description="None: the file has not been read, or not for this kind of sum"
    )
    found: Sum | None = Field(None, description="as read; None: no such sum of it is known")
    warnings: tuple[WarningFinding, ...] = ()
    withdraws: tuple[Code, ...] = Field((), description="codes of warnings that no longer hold")
