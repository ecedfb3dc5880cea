"""One 80-byte card of a FITS header: its keyword and its value, read strictly and without any library."""

import re
from dataclasses import dataclass
from typing import Final

from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.text import clean

__all__ = ["CARD_BYTES", "NOT_A_VALUE", "Card", "joined", "read_card", "value_of"]

CARD_BYTES = 80
COMMENTARY = frozenset({"", "COMMENT", "HISTORY"})
NOT_A_VALUE: Final = "?not-a-value?"
"""Stands for a value field that the FITS standard cannot read (never a text in quotes, whose quotes are kept out)."""

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[EeDd][+-]?\d+)?")
COMPLEX = re.compile(r"\([^()]*,[^()]*\)")
CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
LONGEST_INTEGER_DIGITS = 30  # int() takes time in the square of the digits; a card has room for 70


@dataclass(frozen=True, slots=True)
class Card:
    """A card: ``field`` is the text of its value field, None for cards that hold no value."""

    keyword: str
    field: str | None
    is_ascii: bool


def read_card(raw: bytes, *, where: str) -> Card:
    """Split a card. Raises InvalidFileError UNSAFE_CONTENT for control characters, which no FITS card may hold."""
    bad = CONTROL.search(raw)
    if bad:
        keyword = clean(raw[:8].decode("latin-1")).strip()
        raise InvalidFileError(
            "UNSAFE_CONTENT",
            f"control character 0x{bad.group()[0]:02x} in the card of {keyword} ({where}), wanted printable ASCII; "
            "write the header again",
            found=f"0x{bad.group()[0]:02x}",
            wanted="printable ASCII",
        )
    text = raw.decode("latin-1")
    keyword = text[:8].rstrip().upper()
    if keyword == "HIERARCH" and "=" in text:
        name, _, value = text[8:].partition("=")
        return Card(f"HIERARCH {' '.join(name.split()).upper()}", value, raw.isascii())
    if keyword in COMMENTARY:
        return Card(keyword, None, raw.isascii())
    if keyword == "CONTINUE":
        return Card(keyword, text[8:], raw.isascii())
    return Card(keyword, text[10:] if text[8:10] == "= " else None, raw.isascii())


def value_of(field: str) -> Scalar:
    """The value in a value field; None where it is blank (undefined), NOT_A_VALUE where it cannot be read."""
    stripped = field.strip()
    if stripped.startswith("'"):
        text = quoted(stripped)
        return NOT_A_VALUE if text is None else text
    literal = stripped.partition("/")[0].rstrip()
    if literal in {"T", "F"}:
        return literal == "T"
    if not literal:
        return None
    if NUMBER.fullmatch(literal):
        return _number(literal)
    return literal if COMPLEX.fullmatch(literal) else NOT_A_VALUE


def quoted(field: str) -> str | None:
    """The text between the quotes, trailing blanks cut, doubled quotes made single; None if it never ends."""
    pieces = field[1:].split("''")
    for index, piece in enumerate(pieces):
        text, quote, _ = piece.partition("'")
        if quote:
            return "'".join([*pieces[:index], text]).rstrip()
    return None


def joined(first: str, more: list[str]) -> str | None:
    """The whole text of a string that goes on in CONTINUE cards; None when a piece of it cannot be read."""
    pieces = [quoted(field.strip()) for field in (first, *more)]
    if any(piece is None for piece in pieces):
        return None
    *heads, last = [piece or "" for piece in pieces]
    return "".join(head.removesuffix("&") for head in heads) + last


def _number(literal: str) -> Scalar:
    if literal.lstrip("+-").isdigit():
        return int(literal) if len(literal) <= LONGEST_INTEGER_DIGITS else NOT_A_VALUE
    value = float(literal.upper().replace("D", "E"))
    return value if value not in {float("inf"), float("-inf")} else NOT_A_VALUE
