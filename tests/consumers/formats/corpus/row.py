"""One file of the corpus: what is wrong with it in words, its bytes, and the code that it must end in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Content", "Row", "rows", "warned"]

Content = bytes | Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Row:
    """``code``: why it is INVALID; else ``warning`` is one that it gets, or None where it is simply welcome."""

    what: str
    format: str
    content: Content
    code: str | None = None
    warning: str | None = None
    name: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.format}: {self.what}"

    @property
    def file_name(self) -> str:
        """The name it must come under; where the format does not care, one that says what it is."""
        return self.name or re.sub(r"[^a-z0-9]+", "-", self.id.lower()).strip("-") + ".file"

    def bytes(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content()


def rows(format_name: str, table: Mapping[str, tuple[Content, str]], **more: Any) -> list[Row]:
    """Rows of one format that end INVALID."""
    return [Row(what, format_name, content, code, **more) for what, (content, code) in table.items()]


def warned(format_name: str, table: Mapping[str, tuple[Content, str | None]], **more: Any) -> list[Row]:
    """Rows of one format that are taken, with a warning or without."""
    return [Row(what, format_name, content, None, code, **more) for what, (content, code) in table.items()]
