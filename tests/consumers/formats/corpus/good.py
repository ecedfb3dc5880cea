"""The bytes of a good file of each instrument, made once; rows of the corpus spoil copies of them."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.consumers.formats import build, companions

__all__ = [
    "dkist",
    "dkist_name",
    "flipped",
    "keck",
    "roman",
    "rubin",
    "with_card",
    "with_more",
    "without_card",
]

CARD = 80


@cache
def keck(**changed) -> bytes:
    """A raw KCWI file, with keywords changed (a hyphen as an underscore)."""
    with TemporaryDirectory() as folder:
        return build.a_keck_file(Path(folder), **changed).read_bytes()


@cache
def rubin(**changed) -> bytes:
    """An image of one sensor of LSSTCam."""
    with TemporaryDirectory() as folder:
        return companions.a_rubin_file(Path(folder), **changed).read_bytes()


@cache
def roman() -> bytes:
    """A WFI level 2 image."""
    with TemporaryDirectory() as folder:
        return build.a_roman_file(Path(folder)).read_bytes()


@cache
def dkist() -> bytes:
    """A VISP level 1 frame."""
    with TemporaryDirectory() as folder:
        return build.dkist_files(Path(folder))[0].read_bytes()


def dkist_name() -> str:
    """The name of that frame."""
    return "VISP_L1_00000.fits"


def with_card(content: bytes, keyword: str, value: str, *, twice: bool = False) -> bytes:
    """The value field of the first card of this keyword changed, or a second card put after it; the length stays."""
    at = _place(content, keyword)
    if twice:
        return with_more(content, keyword, value)
    return content[:at] + _card(keyword, value) + content[at + CARD :]


def with_more(content: bytes, keyword: str, value: str) -> bytes:
    """One more card at the end of the first header."""
    card = _card(keyword, value)
    end = content.index(b"END".ljust(CARD))
    filling = content[end + CARD :]
    room = filling[:CARD].strip() == b""
    grown = card + content[end : end + CARD] + filling[CARD:]
    return content[:end] + (grown if room else card + content[end:])


def flipped(content: bytes, at: int) -> bytes:
    """One bit of the byte there turned over."""
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def _card(keyword: str, value: str) -> bytes:
    return f"{keyword:<8}= {value:>20}".encode("latin-1").ljust(CARD)[:CARD]


def without_card(content: bytes, keyword: str) -> bytes:
    """The card of this keyword made blank."""
    at = _place(content, keyword)
    return content[:at] + b" " * CARD + content[at + CARD :]


def _place(content: bytes, keyword: str) -> int:
    for at in range(0, len(content), CARD):
        if content[at : at + 8] == keyword.ljust(8).encode():
            return at
        if content[at : at + 8] == b"END     ":
            break
    raise AssertionError(f"found no {keyword}, wanted a card of it")
