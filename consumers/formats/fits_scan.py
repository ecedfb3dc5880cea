"""A bounded look through a FITS file's headers, card by card, before astropy gets to see it."""

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from consumers.formats.duplicates import repeated
from consumers.formats.findings import Findings
from consumers.formats.fits_cards import CARD_BYTES, NOT_A_VALUE, Card, joined, read_card, value_of
from consumers.formats.fits_hdu import BLOCK_BYTES, Hdu
from consumers.formats.fits_shape import data_bytes
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.text import decoded

__all__ = ["BLOCK_BYTES", "Hdu", "scan"]

# The longest real headers we know have a few thousand cards (KCWI 422, DKIST 318); 200,000 make readers hang.
MAX_CARDS_PER_HDU = 20_000
MAX_CARDS = 60_000
MAX_HDUS = 1_000
# Keywords that say where data lie: of two values nobody could tell which one readers believe.
STRUCTURAL = re.compile(
    r"SIMPLE|XTENSION|BITPIX|Z?NAXIS\d*|PCOUNT|GCOUNT|GROUPS|TFIELDS|TFORM\d+|THEAP|ZIMAGE|ZBITPIX"
)
PRIMARY_START, EXTENSION_START = b"SIMPLE  =", b"XTENSION="


def scan(source: BinaryIO, size_bytes: int, findings: Findings) -> tuple[Hdu, ...]:
    """The HDUs of a file. Raises InvalidFileError, and nothing else, for what breaks the standard or a limit."""
    hdus: list[Hdu] = []
    at = cards = 0
    while at < size_bytes and (not hdus or _goes_on(source, at, findings, size_bytes)):
        if len(hdus) == MAX_HDUS:
            raise _over("HDUs", MAX_HDUS, f"at byte {at}")
        hdu = _read_hdu(source, at, len(hdus), findings)
        hdus.append(hdu)
        cards += hdu.cards
        if cards > MAX_CARDS:
            raise _over("cards", MAX_CARDS, f"up to HDU {hdu.index}")
        _require_data(hdu, size_bytes, findings)
        at = hdu.end_at
    return tuple(hdus)


def _read_hdu(source: BinaryIO, at: int, index: int, findings: Findings) -> Hdu:
    collected = _Values(index, findings)
    count = 0
    for card in _cards(source, at, index, findings):
        collected.add(card)
        count += 1
    values = collected.finish()
    data_at = at + -(-(count + 1) * CARD_BYTES // BLOCK_BYTES) * BLOCK_BYTES
    return Hdu(index, at, data_at, data_bytes(values, index), count, values)


def _cards(source: BinaryIO, at: int, index: int, findings: Findings) -> Iterator[Card]:
    """The cards of a header up to its END."""
    count = 0
    source.seek(at)
    while len(block := source.read(BLOCK_BYTES)) == BLOCK_BYTES:
        for start in range(0, BLOCK_BYTES, CARD_BYTES):
            raw = block[start : start + CARD_BYTES]
            if raw[:8] == b"END     ":
                _check_filling(block[start + 8 :], index, findings)
                return
            count += 1
            if count > MAX_CARDS_PER_HDU:
                raise _over("cards", MAX_CARDS_PER_HDU, f"in HDU {index} without an END")
            yield read_card(raw, where=f"HDU {index}, card {count}")
    raise InvalidFileError(
        "TRUNCATED",
        f"header of HDU {index} does not end: {count} cards, then {len(block)} bytes to the end of the file, where a "
        f"block has {BLOCK_BYTES}; send the whole file",
        found=f"{count} cards, no END in a whole block",
        wanted="END",
    )


def _check_filling(filling: bytes, index: int, findings: Findings) -> None:
    """Blanks fill a header up to its block; whatever else stands there is read by nobody."""
    if filling.strip(b" "):
        message = f"{len(filling.strip(b' '))} bytes after END in the header of HDU {index} are not blank"
        findings.warn(
            "TRAILING_BYTES", message, found=filling.strip(b" ")[:40].decode("latin-1"), wanted="blanks"
        )


def _require_data(hdu: Hdu, size_bytes: int, findings: Findings) -> None:
    """The data the header announces must be there; only the filling after them may be missing, with a warning."""
    data_end = hdu.data_at + hdu.data_bytes
    if data_end > size_bytes:
        missing = data_end - size_bytes
        raise InvalidFileError(
            "TRUNCATED",
            f"HDU {hdu.index} announces {hdu.data_bytes} bytes of data up to byte {data_end}, the file ends at "
            f"{size_bytes}: {missing} bytes are missing; send the whole file",
            found=f"{size_bytes} bytes",
            wanted=f">= {data_end} bytes",
        )
    if hdu.end_at > size_bytes:
        findings.warn(
            "PADDING_MISSING",
            f"the last {hdu.end_at - size_bytes} bytes that fill HDU {hdu.index} up to a block are missing; "
            "its data are complete",
            found=f"{size_bytes} bytes",
            wanted=f"{hdu.end_at} bytes",
        )


def _goes_on(source: BinaryIO, at: int, findings: Findings, size_bytes: int) -> bool:
    """Whether another HDU starts here; what else may follow the last one is reported."""
    source.seek(at)
    head = source.read(CARD_BYTES)
    if head.startswith(EXTENSION_START):
        return True
    if head.startswith(PRIMARY_START):
        raise InvalidFileError(
            "UNREADABLE",
            f"a second file begins at byte {at}: two files are joined in one; send them apart",
            found="SIMPLE after the first HDU",
            wanted="XTENSION or the end",
        )
    findings.warn(
        "TRAILING_BYTES", f"{size_bytes - at} bytes after the last HDU, at byte {at}, belong to nothing"
    )
    return False


def _over(what: str, limit: int, where: str) -> InvalidFileError:
    return InvalidFileError(
        "LIMIT_EXCEEDED",
        f"more than {limit} {what} {where}; no instrument writes that many",
        found=f"> {limit} {what}",
        wanted=f"<= {limit} {what}",
    )


class _Values:
    """The values of one header; a keyword that repeats is a warning or, with another value, the end."""

    def __init__(self, index: int, findings: Findings) -> None:
        self._index = index
        self._findings = findings
        self._values: dict[str, Scalar] = {}
        self._repeats: list[tuple[str, Scalar]] = []
        self._open: tuple[str, str] | None = None
        self._more: list[str] = []

    def add(self, card: Card) -> None:
        if not card.is_ascii:
            message = f"{card.keyword or 'a comment'} holds bytes that are not ASCII"
            field = None if card.field is None else decoded(card.field.encode("latin-1"))
            self._warn("NOT_ASCII", card.keyword, message, field)
        if card.keyword == "CONTINUE":
            self._more.append(card.field or "")
            return
        self._close()
        if card.field is not None:
            self._open = (card.keyword, card.field)

    def finish(self) -> Mapping[str, Scalar]:
        self._close()
        repeats = ((keyword, self._values[keyword], value) for keyword, value in self._repeats)
        structural = {each for each in self._values if STRUCTURAL.fullmatch(each)}
        repeated(self._findings, f"HDU {self._index}", repeats, always_wrong=structural)
        return self._values

    def _close(self) -> None:
        if self._open is None:
            self._more.clear()
            return
        keyword, field = self._open
        value = value_of(field)
        if self._more and isinstance(value, str):
            whole = joined(field, self._more)
            value = NOT_A_VALUE if whole is None else whole
        self._open = None
        self._more.clear()
        if value == NOT_A_VALUE:
            message = f"the value of {keyword} in HDU {self._index} cannot be read"
            self._warn("VALUE_UNREADABLE", keyword, message, field.strip())
        if keyword in self._values:
            self._repeats.append((keyword, value))
        else:
            self._values[keyword] = value

    def _warn(self, code: str, keyword: str, message: str, found: Scalar) -> None:
        self._findings.warn(
            code, message, keyword=keyword, found=None if found is None else str(found).strip()
        )
