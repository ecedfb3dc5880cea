"""A keyword that stands twice: with one value a warning, with another the end, or as the stream's policy has it."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.text import shortened

__all__ = ["allows_duplicates", "repeated"]

SETTING = "duplicate_keyword"
CHOICES = ("invalid", "warn")
SHOWN = 5

Repeat = tuple[str, Scalar, Scalar]
"""A keyword, the value that counts, and the other one."""


def allows_duplicates(settings: Mapping[str, Any]) -> bool:
    """What the stream's settings say. Raises ValueError for what is no choice."""
    choice = settings.get(SETTING, CHOICES[0])
    if choice not in CHOICES:
        raise ValueError(
            f"setting {SETTING} of the stream: found {choice!r}, wanted one of {', '.join(CHOICES)}"
        )
    return bool(choice == "warn")


def repeated(
    findings: Findings, where: str, repeats: Iterable[Repeat], *, always_wrong: AbstractSet[str] = frozenset()
) -> None:
    """Note repeats with one value; raise InvalidFileError for others. No policy may let ``always_wrong`` pass."""
    pairs = list(repeats)
    different = [pair for pair in pairs if not _same(pair[1], pair[2])]
    refused = [pair for pair in different if not findings.allows_duplicates or pair[0] in always_wrong]
    if refused:
        raise _different(where, refused)
    for keyword, first, second in pairs:
        message = f"{keyword} stands twice in {where}, with one value"
        if not _same(first, second):
            message = f"{keyword} stands twice in {where}, with different values; the first counts"
        findings.warn("DUPLICATE_KEYWORD", message, keyword=keyword, found=_both(first, second), wanted="one")


def _same(first: Scalar, second: Scalar) -> bool:
    """T is not 1, though Python has them equal."""
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def _both(first: Scalar, second: Scalar) -> str:
    return str(first) if _same(first, second) else f"{first!r:.90} and {second!r:.90}"


def _different(where: str, pairs: list[Repeat]) -> InvalidFileError:
    shown = "; ".join(
        f"{keyword} is {shortened(repr(first), 80)} and {shortened(repr(second), 80)}"
        for keyword, first, second in pairs[:SHOWN]
    )
    what = f"{len(pairs)} keywords of {where} stand" if len(pairs) > 1 else f"a keyword of {where} stands"
    return InvalidFileError(
        "DUPLICATE_KEYWORD",
        f"{what} there with different values: {shown}; keep one of each",
        found=shown,
        wanted="one value a keyword",
    )
