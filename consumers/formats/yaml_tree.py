"""The YAML of an ASDF file as a plain tree, read event by event so that depth, count and aliases stay bounded."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.text import as_scalar, shortened

__all__ = ["Branch", "Leaf", "Sequence_", "Tree", "read_tree", "walk"]

MAX_DEPTH = 100  # a Roman WCS is 15 deep; recursive readers give up near 1,000
MAX_VALUES = 100_000  # a Roman L2 tree has some 2,000; 300,000 cost a reader five seconds and 280 MB

CONSTANTS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", ".nan")) | {"true": True, "false": False}
INTEGER = re.compile(r"[+-]?\d{1,30}")
FLOAT = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?")


@dataclass(slots=True)
class Leaf:
    """A scalar as it is written; ``plain`` where no quotes make it a text."""

    text: str
    tag: str | None
    plain: bool

    @property
    def value(self) -> Scalar:
        """The scalar as YAML's core types mean it: quoted text stays text, NaN and infinities are None."""
        if not self.plain:
            return self.text
        if self.text.lower() in CONSTANTS:
            return CONSTANTS[self.text.lower()]
        if INTEGER.fullmatch(self.text):
            return as_scalar(int(self.text))
        return as_scalar(float(self.text)) if FLOAT.fullmatch(self.text) else self.text


@dataclass(slots=True)
class Sequence_:  # noqa: N801 - ``Sequence`` is the abstract type
    """A YAML sequence."""

    tag: str | None
    items: "list[Tree]" = field(default_factory=list)


@dataclass(slots=True)
class Branch:
    """A YAML mapping, as the pairs that stand there: a key may repeat."""

    tag: str | None
    items: "list[tuple[Tree, Tree]]" = field(default_factory=list)

    def get(self, key: str) -> "Tree | None":
        """The value under a key that is a plain text; the last where it repeats, as YAML readers do."""
        found = [value for name, value in self.items if isinstance(name, Leaf) and name.text == key]
        return found[-1] if found else None


Tree = Leaf | Sequence_ | Branch


@dataclass(slots=True)
class _Open:
    """A sequence or mapping whose end has not come: how many values it holds, aliases written out, and how deep."""

    node: Sequence_ | Branch
    anchor: str | None
    values: int = 1
    height: int = 1
    key: Tree | None = None


def read_tree(text: bytes) -> Tree:
    """The tree of one YAML document. Raises InvalidFileError, and nothing else, for broken or boundless YAML."""
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise _unreadable(str(error) or type(error).__name__) from error
    if builder.root is None:
        raise _unreadable("no document")
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root: Tree | None = None
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Tree, int, int]] = {}
        self._documents = 0
        self._seen = 0

    def take(self, event: yaml.Event) -> None:
        """Add one event to the tree."""
        if isinstance(event, yaml.ScalarEvent):
            self._count()
            leaf = Leaf(event.value, event.tag, event.implicit[0])
            self._add(leaf, event.anchor, values=1, height=1)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open(Branch(event.tag), event.anchor)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open(Sequence_(event.tag), event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._stack.pop()
            self._add(done.node, done.anchor, values=done.values, height=done.height)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event.anchor)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _unreadable("more than one document")

    def _open(self, node: Sequence_ | Branch, anchor: str | None) -> None:
        self._count()
        if anchor is not None:
            # Until its end the anchor stands for nothing: no tree holds itself.
            self._anchors.pop(anchor, None)
        self._stack.append(_Open(node, anchor))
        if len(self._stack) > MAX_DEPTH:
            raise _over("LIMIT_EXCEEDED", f"nested more than {MAX_DEPTH} deep", f"<= {MAX_DEPTH} deep")

    def _alias(self, anchor: str) -> None:
        if anchor in (still_open.anchor for still_open in self._stack) and anchor not in self._anchors:
            found = f"the alias *{shortened(anchor, 40)} stands inside what it names"
            raise _over("UNSAFE_CONTENT", found, "no such loop")
        if anchor not in self._anchors:
            raise _unreadable(f"the alias *{shortened(anchor, 40)} names nothing")
        node, values, height = self._anchors[anchor]
        self._add(node, None, values=values, height=height)

    def _add(self, node: Tree, anchor: str | None, *, values: int, height: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, values, height)
        if len(self._stack) + height > MAX_DEPTH + 1:
            raise _over("UNSAFE_CONTENT", f"aliases nest more than {MAX_DEPTH} deep", f"<= {MAX_DEPTH} deep")
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        parent.values += values
        parent.height = max(parent.height, height + 1)
        if parent.values > MAX_VALUES:
            # Readers write every alias out: a few lines can become billions of values.
            found = f"aliases stand for more than {MAX_VALUES} values"
            raise _over("UNSAFE_CONTENT", found, f"<= {MAX_VALUES} values")
        if isinstance(parent.node, Sequence_):
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            parent.node.items.append((parent.key, node))
            parent.key = None

    def _count(self) -> None:
        self._seen += 1
        if self._seen > MAX_VALUES:
            raise _over("LIMIT_EXCEEDED", f"more than {MAX_VALUES} values", f"<= {MAX_VALUES} values")


def walk(tree: Tree) -> Iterator[Tree]:
    """Every node once, however many aliases name it."""
    seen: set[int] = set()
    waiting: list[Tree] = [tree]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, Sequence_):
            waiting.extend(node.items)
        elif isinstance(node, Branch):
            for key, value in node.items:
                waiting.extend((key, value))


def _unreadable(reason: str) -> InvalidFileError:
    first = shortened(" ".join(reason.split()), 400)
    message = f"the YAML of the file cannot be read: {first}"
    return InvalidFileError("UNREADABLE", message, found=first, wanted="YAML 1.1")


def _over(code: str, what: str, wanted: str) -> InvalidFileError:
    then = "put tables and arrays into binary blocks"
    return InvalidFileError.unlike(code, what, wanted, lead="YAML: ", then=then)
