"""Checksums of files delivered together, as md5sum and sha256sum write them: a line a file, its sum and its name."""

import json
import re
from itertools import accumulate, islice
from typing import BinaryIO

from consumers.formats.bytes_scan import SeenBytes, kind_of
from consumers.formats.duplicates import repeated
from consumers.formats.findings import Findings
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import InvalidFileError
from consumers.formats.metadata import Metadata
from consumers.formats.text import clean, shortened

__all__ = ["read", "warm_up"]

MAX_BYTES = 16 * 1024**2
MAX_LINES = 100_000
MAX_REPORTED_BYTES = 160 * 1024  # some 2,000 files; a request holds 256 KiB with all else that is reported
MAX_PART_BYTES = 512 * 1024
"""Of a longer list, what is told at a time: a child says 2 MiB at most."""
# A sum in hexadecimal, a blank, then a blank or the star of binary mode, then the name.
LINE = re.compile(rb"(?P<sum>[0-9A-Fa-f]{32}|[0-9A-Fa-f]{64}) [ *](?P<name>[^ ].{0,254})")
ALGORITHMS = {32: "MD5", 64: "SHA-256"}
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
TEXTUAL = frozenset({"text", "data of an unknown kind"})


def warm_up() -> None:
    """There is nothing to load."""


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:
    """Look through a list of checksums. Names are those of neighbours: a path would lead elsewhere."""
    with findings.critical("format", value="checksums"):
        _require_text(seen)
    with findings.critical("structure"):
        lines = _lines(source.read(MAX_BYTES + 1))
        pairs = [_pair(number, line) for number, line in enumerate(lines, 1)]
    sums = _compared(pairs, findings)
    with findings.critical("one_algorithm"):
        algorithm = _algorithm(sums)
    findings.record("algorithm", algorithm)
    findings.record("files", len(sums))
    values: dict[str, object] = dict(sums)
    return Content(
        Metadata(extra={"algorithm": algorithm, **values}), values, _told(sums, expected.sums_from)
    )


def _require_text(seen: SeenBytes) -> None:
    kind = kind_of(seen.head)
    if kind not in TEXTUAL:
        raise InvalidFileError(
            "NOT_THE_FORMAT",
            f"found {kind}, wanted checksums; send the right file",
            found=kind,
            wanted="checksums",
        )


def _lines(raw: bytes) -> list[bytes]:
    if len(raw) > MAX_BYTES:
        raise _over(f"more than {MAX_BYTES} bytes", f"<= {MAX_BYTES} bytes")
    bad = CONTROL.search(raw)
    if bad:
        found = f"control character 0x{bad.group()[0]:02x} at byte {bad.start()}"
        raise _wrong(found, "printable text", code="UNSAFE_CONTENT")
    if not raw.endswith(b"\n"):
        raise InvalidFileError(
            "TRUNCATED",
            "the last line does not end: a name may be cut; send the whole list",
            found=f"{len(raw)} bytes",
            wanted="a line feed at the end",
        )
    count = raw.count(b"\n")
    if count > MAX_LINES:
        raise _over(f"{count} lines", f"<= {MAX_LINES} lines")
    return [line.rstrip(b"\r") for line in raw[:-1].split(b"\n")]


def _pair(number: int, line: bytes) -> tuple[str, str]:
    """Name and sum of one line."""
    found = LINE.fullmatch(line)
    if found is None:
        shown = shortened(line[:60].decode("utf-8", "replace"), 60)
        raise _wrong(f"{shown!r} in line {number}", "32 or 64 hexadecimal digits, two blanks and a name")
    try:
        name = found["name"].decode("utf-8")
    except UnicodeDecodeError:
        raise _wrong(f"a name in line {number} that is no UTF-8", "a name in UTF-8") from None
    if "/" in name or "\\" in name or name in {".", ".."}:
        shown = shortened(name, 80)
        raise _wrong(f"the path {shown!r} in line {number}", "names without a path", code="UNSAFE_CONTENT")
    return clean(name), found["sum"].decode("ascii").lower()


def _compared(pairs: list[tuple[str, str]], findings: Findings) -> dict[str, str]:
    sums: dict[str, str] = {}
    twice = []
    for name, value in pairs:
        if name in sums:
            twice.append((name, sums[name], value))
        sums.setdefault(name, value)
    with findings.critical("names_once"):
        repeated(findings, "the list", twice, always_wrong={name for name, _, _ in twice})
    return sums


def _algorithm(sums: dict[str, str]) -> str:
    found = sorted({ALGORITHMS[len(value)] for value in sums.values()})
    if len(found) > 1:
        raise _wrong(f"sums of {' and '.join(found)}", "one kind of sum a list")
    return found[0]


def _told(sums: dict[str, str], first: int | None) -> dict[str, str] | None:
    """What is compared with the files: a list that has room in one record whole, a longer one in parts, when asked."""
    sizes = [len(json.dumps({name: value})) for name, value in sums.items()]
    is_short = sum(sizes) <= MAX_REPORTED_BYTES
    if first is None:
        return sums if sums and is_short else None
    if is_short:
        return None
    upto = first + sum(size <= MAX_PART_BYTES for size in accumulate(sizes[first:]))
    return dict(islice(sums.items(), first, upto)) or None


def _over(found: str, wanted: str) -> InvalidFileError:
    return InvalidFileError.unlike("LIMIT_EXCEEDED", found, wanted, then="no delivery has that many files")


def _wrong(found: str, wanted: str, *, code: str = "SCHEMA_VIOLATION") -> InvalidFileError:
    return InvalidFileError.unlike(code, found, wanted, lead="found ", then="write the list again")
