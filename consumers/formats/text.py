"""Text and numbers from untrusted files, made fit for JSON, PostgreSQL and a terminal."""

import math
import re

from consumers.formats.inspection import Scalar

__all__ = ["as_scalar", "clean", "decoded", "one_line", "shortened"]

# C0 without tab and newline, DEL and C1: NUL is refused by PostgreSQL, ESC and CSI command a terminal.
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
LARGEST_INTEGER = 2**63 - 1  # JSON readers and PostgreSQL's bigint end here


def decoded(raw: bytes) -> str:
    """Text of which nobody says how it is written: UTF-8 where it is that, else Latin-1, which loses no byte."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def clean(text: str) -> str:
    """The text with every control character and lone surrogate replaced by U+FFFD."""
    return CONTROL_CHARACTERS.sub("\ufffd", text)


def shortened(text: str, limit: int) -> str:
    """The clean text, cut to ``limit`` characters with the cut shown."""
    text = clean(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def one_line(text: str, limit: int) -> str:
    """The same in one line, for messages: what a file holds must not look like a line of ours."""
    return shortened(text, limit).replace("\n", "\ufffd").replace("\t", " ")


def as_scalar(value: object) -> Scalar:
    """A value of a header as JSON can hold it; NaN and infinities are None, what is no scalar is its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return clean(str(value))
