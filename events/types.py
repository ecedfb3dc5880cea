"""Small types that several payloads share: identifiers, checksums, times, findings."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, NewType, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "Code",
    "Count",
    "FailureClass",
    "HeaderFix",
    "Name",
    "Number",
    "Part",
    "Pattern",
    "QaFinding",
    "Reason",
    "Sha256",
    "StreamName",
    "Subject",
    "Usage",
    "UtcTime",
    "WarningFinding",
    "format_time",
]

Subject = NewType("Subject", str)
"""Whom a message is about: ``<stream>/<logical name>`` for a file, the archive identity, the stream's name."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")]
StreamName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Count = Annotated[int, Field(ge=0, le=(1 << 53) - 1)]
"""A number of bytes, frames or files: what every reader of JSON holds exactly (RFC 8259, 6), and every column takes."""

Number = Annotated[int, Field(ge=1, le=(1 << 31) - 1)]
"""A version, an attempt, a round: counted from 1, and what every column of whole numbers takes."""

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
FailureClass = Literal["data", "transient", "code", "infrastructure"]
"""Whose fault a failure is and so what follows: see ``failure classes`` in the lifecycle of a file."""


def format_time(moment: datetime) -> str:
    """A time as it stands on the wire: UTC, milliseconds, ``Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _in_utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None or moment.utcoffset().total_seconds() != 0:  # type: ignore[union-attr]
        raise ValueError(f"found the offset {moment.utcoffset()}, wanted UTC (a time that ends in Z)")
    if not 1000 <= moment.year <= 9998:
        # Years of fewer digits do not sort as text, and to the last year no lease can be added.
        raise ValueError(f"found the year {moment.year}, wanted one from 1000 to 9998")
    return moment


UtcTime = Annotated[AwareDatetime, AfterValidator(_in_utc)]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"found a regular expression that does not compile: {error}") from error
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_compiles)]
"""A regular expression that compiles."""


class Part(BaseModel):
    """A piece of a payload."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """The piece from JSON or from pieces read before; raises ``pydantic.ValidationError``."""
        read: Self = cls.__pydantic_validator__.validate_python(data)
        return read


class QaFinding(Part):
    """One check's result: ``passed`` is None where the check only records; ``value`` in ``unit``."""

    check: Name
    level: Literal["critical", "advisory", "record-only"]
    passed: bool | None = None
    value: float | int | str | None = None
    unit: str | None = None
    threshold: float | int | str | None = None
    comparison: str | None = Field(None, description="how value has to stand to threshold, such as <=")
    message: str | None = Field(None, max_length=2000)
    part: str | None = Field(None, description="the HDU, block or dataset looked at")


class WarningFinding(Part):
    """Something unusual that changes no state: counted, listed, acknowledged."""

    code: Code
    message: str = Field(max_length=2000)
    keyword: str | None = None
    found: str | None = None
    wanted: str | None = None


class HeaderFix(Part):
    """A header value that was read differently from what stands in the file; the original is kept here."""

    keyword: str
    original: Any = None
    fixed: Any = None
    reason: str = Field(max_length=1000)


class Usage(Part):
    """What one attempt cost, and the end of its log (at most 64 KiB)."""

    host: str | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_rss_bytes: Count = 0
    bytes_read: Count = 0
    bytes_written: Count | None = Field(None, description="to the archive")
    lookup_s: float | None = Field(None, description="of wall_s: waiting for outside services")
    exit: str | None = Field(None, description="exit code or signal of the child, such as 0 or SIGKILL")
    log_tail: str | None = Field(None, max_length=65536)
    log_object: str | None = Field(
        None, max_length=2048, description="where the log stands whole, if its end alone is here"
    )
