"""The elements of one array of a JSON document, one at a time: memory for one element, however long the document."""

import json
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["JsonBrokenError", "elements"]

_CHUNK = 1 << 18
_ELEMENT_AT_MOST = 4 << 20
_DIGITS = 300
_AFTER = frozenset(",:]} \t\n\r")
_SPACE = " \t\n\r"


class JsonBrokenError(Exception):
    """The document is cut off or is no JSON; ``at`` is the character where reading ended."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(f"{message} at character {at}")
        self.at = at


def elements(
    read: Callable[[int], str], path: tuple[str, ...], *, aside: dict[str, Any] | None = None
) -> Iterator[Any]:
    """The elements of the array at ``path``; ``NaN`` and ``Infinity`` are taken, for the reader of records to judge.

    ``read`` gives at most so many characters, and none at the end. Other members on the way are put in ``aside`` by
    their dotted path, and ``found`` (True) once the array has begun. Raises JsonBrokenError, after the elements before.
    """
    beside: dict[str, Any] = {} if aside is None else aside
    text = _Text(read)
    yield from _below(text, path, "", beside)
    if text.peek():
        raise JsonBrokenError("found more after the document's end", text.place)


class _Text:
    """Characters with a place, read on as they are needed."""

    def __init__(self, read: Callable[[int], str]) -> None:
        self._read = read
        self._buffer = ""
        self._at = 0
        self._before = 0  # characters already thrown away
        self._is_over = False

    @property
    def place(self) -> int:
        return self._before + self._at

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _SPACE:
                    return self._buffer[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, wanted: str) -> str:
        """The next character, which has to be one of those."""
        found = self.peek()
        if not found or found not in wanted:
            raise JsonBrokenError(f"found {found or 'the end'!r}, wanted one of {wanted!r}", self.place)
        self._at += 1
        return found

    def value(self) -> Any:
        """The next value whole; read on until it ends and something follows it."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._at)
            except RecursionError as error:
                raise JsonBrokenError("found values nested too deeply", self.place) from error
            except ValueError as error:  # not yet whole, or broken; or a number of thousands of digits
                self._grow(error)
                continue
            # A number may go on where the characters end: after 0 may come .5, and after 0. the 5.
            if self._buffer[end : end + 1] in _AFTER or not self._more_of_it():
                self._at = end
                return value

    def _decode(self, at: int) -> tuple[Any, int]:
        try:
            return _plainly.raw_decode(self._buffer, at)
        except json.JSONDecodeError:
            raise
        except ValueError:  # a number of thousands of digits
            return _patiently.raw_decode(self._buffer, at)

    def _more_of_it(self) -> bool:
        return len(self._buffer) - self._at <= _ELEMENT_AT_MOST and self._more()

    def _grow(self, error: ValueError) -> None:
        if not self._more_of_it():
            raise JsonBrokenError(
                f"found a value that does not end or is no JSON ({error})", self.place
            ) from error

    def _more(self) -> bool:
        """Read on by as much again as is still undecided, so that a long value is not decoded a hundred times."""
        if self._is_over:
            return False
        chunk = self._read(max(_CHUNK, len(self._buffer) - self._at))
        self._is_over = not chunk
        self._buffer = self._buffer[self._at :] + chunk
        self._before += self._at
        self._at = 0
        return bool(chunk)


def _whole(digits: str) -> int | float:
    """Thousands of digits are no count, and Python refuses to read them; they must not end the reading of the rest."""
    return int(digits) if len(digits) < _DIGITS else float(digits)


_plainly = json.JSONDecoder()
_patiently = json.JSONDecoder(parse_int=_whole)


def _below(text: _Text, path: tuple[str, ...], above: str, aside: dict[str, Any]) -> Iterator[Any]:
    if not path:
        if text.peek() == "[":
            aside["found"] = True
            yield from _array(text)
        else:
            aside[above.rstrip(".")] = text.value()
        return
    if text.peek() != "{":
        aside[above.rstrip(".")] = text.value()
        return
    text.take("{")
    if text.peek() == "}":
        text.take("}")
        return
    while True:
        name = text.value()
        if not isinstance(name, str):
            raise JsonBrokenError(f"found {name!r} as a name, wanted a text", text.place)
        text.take(":")
        if name == path[0]:
            yield from _below(text, path[1:], f"{above}{name}.", aside)
        else:
            aside[above + name] = text.value()
        if text.take(",}") == "}":
            return


def _array(text: _Text) -> Iterator[Any]:
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        value = text.value()
        after = text.take(",]")  # a number is known to be whole only by what follows it
        yield value
        if after == "]":
            return
