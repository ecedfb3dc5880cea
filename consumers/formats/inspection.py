"""What looking into one file found: verdict, typed metadata, QA results, warnings; travels as a plain JSON object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

__all__ = [
    "CODES",
    "HeaderFix",
    "Inspection",
    "InvalidFileError",
    "Level",
    "QaResult",
    "Scalar",
    "Warning_",
    "members",
]

Scalar = str | int | float | bool | None
"""A header value as JSON can hold it; floats are finite."""

Level = Literal["critical", "advisory", "record-only"]
"""What a failed check does: make the file INVALID, be listed, or nothing (the value itself is the result)."""

CODES = frozenset(
    {
        "BAD_NAME",
        "CHECKSUM_MISMATCH",
        "DUPLICATE_KEYWORD",
        "EMPTY_FILE",
        "LIMIT_EXCEEDED",
        "MISSING_KEYWORD",
        "NOT_THE_FORMAT",
        "SCHEMA_VIOLATION",
        "SIZE_MISMATCH",
        "TRUNCATED",
        "UNREADABLE",
        "UNSAFE_CONTENT",
    }
)
"""Why a file can be INVALID; the file's own fault, so trying again changes nothing."""

OF_CHECKS = "QA_"
"""How the codes of failed checks begin, which are named after their checks."""


class InvalidFileError(Exception):
    """The file is not what was wanted: ``code`` is one of ``CODES``, the message is for the person who sent it."""

    def __init__(
        self, code: str, message: str, *, found: str | None = None, wanted: str | None = None
    ) -> None:
        if code not in CODES and not code.startswith(OF_CHECKS):
            raise ValueError(
                f"code {code!r} of a file that is invalid: wanted one of {', '.join(sorted(CODES))}"
            )
        super().__init__(message)
        self.code = code
        self.message = message
        self.found = found
        self.wanted = wanted

    @classmethod
    def unlike(cls, code: str, found: str, wanted: str, *, lead: str = "", then: str) -> Self:
        """Said in one sentence: what was found, behind ``lead``, what was wanted, and then what to do."""
        return cls(code, f"{lead}{found}, wanted {wanted}; {then}", found=found, wanted=wanted)


def members(each: Any) -> dict[str, Any]:
    """What stands in a dataclass with slots, by name. ``asdict`` copies as deep as it goes, for ten times the cost."""
    return {name: getattr(each, name) for name in each.__slots__}


@dataclass(frozen=True, slots=True)
class QaResult:
    """One check's result: ``passed`` is None where nothing could be judged; ``part`` names the HDU or block."""

    check: str
    level: Level
    passed: bool | None = None
    value: float | int | str | None = None
    unit: str | None = None
    threshold: float | int | str | None = None
    message: str | None = None
    part: str | None = None
    comparison: str | None = None


@dataclass(frozen=True, slots=True)
class Warning_:  # noqa: N801 - ``Warning`` is a builtin exception
    """Something unusual that changes no state: counted, listed, acknowledged."""

    code: str
    message: str
    keyword: str | None = None
    found: str | None = None
    wanted: str | None = None


@dataclass(frozen=True, slots=True)
class HeaderFix:
    """A header value that was read differently from what stands in the file; the original is kept here."""

    keyword: str
    original: Scalar
    fixed: Scalar
    reason: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """The whole result for one file. ``code`` and ``message`` are set exactly when the verdict is ``invalid``.

    ``sums``: of a manifest, by name of file. ``beyond``: values of the metadata that were cut there, whole.
    """

    verdict: Literal["ok", "invalid"]
    code: str | None = None
    message: str | None = None
    found: str | None = None
    wanted: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    sums: Mapping[str, str] | None = None
    beyond: Mapping[str, str] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    identity: str | None = None
    header_fixes: tuple[HeaderFix, ...] = ()
    qa: tuple[QaResult, ...] = ()
    warnings: tuple[Warning_, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The inspection as JSON holds it."""
        plain = members(self)
        for name in ("header_fixes", "qa", "warnings"):
            plain[name] = [members(each) for each in plain[name]]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The inspection that ``to_dict`` wrote; raises TypeError on members it does not know."""
        return cls(
            **{
                **plain,
                "header_fixes": tuple(HeaderFix(**fix) for fix in plain["header_fixes"]),
                "qa": tuple(QaResult(**result) for result in plain["qa"]),
                "warnings": tuple(Warning_(**warning) for warning in plain["warnings"]),
            }
        )
