"""JSON by our own bounded reader: size, depth, count and length of numbers checked while it goes, keys compared."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from consumers.formats.duplicates import repeated
from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.text import as_scalar, shortened

__all__ = ["MAX_BYTES", "flattened", "read_json"]

MAX_BYTES = 16 * 1024**2  # a sidecar has some kilobytes, a night's manifest a few hundred
MAX_DEPTH = 64
MAX_VALUES = 200_000
MAX_NUMBER_CHARACTERS = 100
MAX_SHOWN = 10_000

SPACE = re.compile(r"[ \t\n\r]*")
# A text ends at the first quote that no backslash stands before. Possessive: neither can go back and try again.
BEGUN_TEXT = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+')
TEXT = re.compile(BEGUN_TEXT.pattern + '"')
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
WORDS = {"true": True, "false": False, "null": None}
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")

Tree = dict[str, Any] | list[Any] | Scalar


@dataclass(slots=True)
class _Open:
    """An object or array whose end has not come; ``key`` waits for its value."""

    node: dict[str, Any] | list[Any]
    key: str | None = None
    repeats: list[tuple[str, Any, Any]] = field(default_factory=list)


def read_json(raw: bytes, findings: Findings) -> Tree:
    """The tree of a JSON text. Raises InvalidFileError, and nothing else, for what is none or has no bounds."""
    if len(raw) > MAX_BYTES:
        raise _over(f"{len(raw)} bytes of JSON", f"<= {MAX_BYTES} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(error.start, f"byte 0x{raw[error.start]:02x}", "UTF-8") from error
    if text.startswith("\ufeff"):
        findings.warn(
            "BYTE_ORDER_MARK", "the text begins with a byte order mark, which JSON has not; left out"
        )
        text = text[1:]
    return _Reader(text, findings).read()


def flattened(tree: Tree, prefix: str = "") -> dict[str, Scalar]:
    """The scalars under dotted names, arrays by index; at most ten thousand of them."""
    found: dict[str, Scalar] = {}
    waiting: list[tuple[str, Tree]] = [(prefix, tree)]
    while waiting and len(found) < MAX_SHOWN:
        name, node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend((f"{name}.{key}" if name else key, value) for key, value in reversed(node.items()))
        elif isinstance(node, list):
            some = list(enumerate(node[:MAX_SHOWN]))
            waiting.extend((f"{name}[{index}]", value) for index, value in reversed(some))
        else:
            found[name] = node
    return found


class _Reader:
    """One pass, no recursion: the stack is ours, and bounded."""

    def __init__(self, text: str, findings: Findings) -> None:
        self._text = text
        self._findings = findings
        self._at = 0
        self._values = 0
        self._stack: list[_Open] = []

    def read(self) -> Tree:
        root = self._value()
        while self._stack:
            self._step()
        self._skip()
        if self._at < len(self._text):
            raise self._wrong("the end of the text: one value a file")
        return root

    def _step(self) -> None:
        """The next member of what was opened last, or its end."""
        top = self._stack[-1]
        closing = "}" if isinstance(top.node, dict) else "]"
        mark = self._peek()
        if mark == closing:
            self._at += 1
            self._close()
            return
        if len(top.node) or top.repeats:
            self._take(",", f", or {closing}")
        if isinstance(top.node, dict):
            top.key = self._key()
            self._take(":", ":")
        self._put(top, self._value())

    def _put(self, top: _Open, value: Tree) -> None:
        if isinstance(top.node, list):
            top.node.append(value)
            return
        key = str(top.key)
        if key in top.node:
            top.repeats.append((key, _shown(top.node[key]), _shown(value, other=True)))
        else:
            top.node[key] = value

    def _close(self) -> None:
        done = self._stack.pop()
        # Readers of JSON disagree on which of two counts, so no policy may choose.
        names = {key for key, _, _ in done.repeats}
        repeated(self._findings, "one object", done.repeats, always_wrong=names)

    def _value(self) -> Tree:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _over(f"more than {MAX_VALUES} values", f"<= {MAX_VALUES} values")
        mark = self._peek()
        if mark in {"{", "["}:
            self._at += 1
            node: dict[str, Any] | list[Any] = {} if mark == "{" else []
            self._stack.append(_Open(node))
            if len(self._stack) > MAX_DEPTH:
                raise _over(f"nested more than {MAX_DEPTH} deep", f"<= {MAX_DEPTH} deep")
            return node
        if mark == '"':
            return self._string()
        return self._literal()

    def _key(self) -> str:
        if self._peek() != '"':
            raise self._wrong("a name in quotes")
        return self._string()

    def _string(self) -> str:
        found = TEXT.match(self._text, self._at)
        if found is None:
            raise self._unended()
        try:
            value = str(json.loads(found.group()))
        except ValueError:
            raise self._wrong("a text with the escapes of JSON") from None
        if LONE_SURROGATE.search(value):
            raise self._wrong("a text without half characters (lone surrogates)")
        if CONTROL.search(value):
            message = f"the text at character {self._at} holds control characters, written as escapes"
            self._findings.warn("NOT_PRINTABLE", message, found=value)
        self._at = found.end()
        return value

    def _unended(self) -> InvalidFileError:
        begun = BEGUN_TEXT.match(self._text, self._at)
        rest = len(self._text) - (begun.end() if begun else self._at)
        if rest == 0 or (rest == 1 and self._text.endswith("\\")):
            self._at = len(self._text)
        return self._wrong("a text that ends, without control characters")

    def _literal(self) -> Scalar:
        for word, value in WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        found = NUMBER.match(self._text, self._at)
        if found is None:
            rest = self._text[self._at : self._at + 6]
            if any(word.startswith(rest) for word in (*WORDS, "-")):
                self._at = len(self._text)  # a word that is cut
            raise self._wrong("a value")
        literal = found.group()
        if len(literal) > MAX_NUMBER_CHARACTERS:
            raise _over(f"a number of {len(literal)} characters", f"<= {MAX_NUMBER_CHARACTERS} characters")
        self._at = found.end()
        if not any(mark in literal for mark in ".eE"):
            return as_scalar(int(literal))
        number = float(literal)
        if number in {float("inf"), float("-inf")}:
            raise _over(f"the number {literal}", "one that 64 bits can hold")
        return number

    def _peek(self) -> str:
        self._skip()
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        found = SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _take(self, mark: str, wanted: str) -> None:
        if self._peek() != mark:
            raise self._wrong(wanted)
        self._at += 1

    def _wrong(self, wanted: str) -> InvalidFileError:
        if self._at >= len(self._text):
            return InvalidFileError(
                "TRUNCATED",
                f"the JSON ends at character {self._at}, wanted {wanted}; send the whole file",
                found=f"{self._at} characters",
                wanted=wanted,
            )
        return _unreadable(self._at, shortened(repr(self._text[self._at : self._at + 12]), 60), wanted)


def _shown(value: Tree, *, other: bool = False) -> Scalar:
    """A scalar as it is; two collections are never known to be alike."""
    if isinstance(value, dict | list):
        return "another collection" if other else "a collection"
    return value


def _unreadable(at: int, found: str, wanted: str) -> InvalidFileError:
    return InvalidFileError(
        "UNREADABLE",
        f"the JSON cannot be read at {at}: found {found}, wanted {wanted}; write the file again",
        found=found,
        wanted=wanted,
    )


def _over(found: str, wanted: str) -> InvalidFileError:
    return InvalidFileError.unlike(
        "LIMIT_EXCEEDED", found, wanted, then="no companion of a file is that large"
    )
