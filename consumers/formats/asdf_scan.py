"""A bounded look through an ASDF file, its tree and its blocks, before asdf gets to see it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from consumers.formats.asdf_arrays import check_array
from consumers.formats.asdf_blocks import Block, read_blocks
from consumers.formats.duplicates import repeated
from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.text import shortened
from consumers.formats.yaml_tree import Branch, Leaf, Sequence_, Tree, read_tree, walk

__all__ = ["Layout", "flattened", "scan"]

MAX_TREE_BYTES = 4 * 1024**2  # a Roman L2 tree has 12 kB, with a real WCS some 100 kB
TREE_END = re.compile(rb"(?:^|\r?\n)\.\.\.(?:\r?\n|\Z)")
FIRST_LINE = re.compile(rb"#ASDF \d+\.\d+\.\d+\r?\n")
ARRAY_TAG = re.compile(r"tag:stsci\.edu:asdf/core/ndarray-\d+\.\d+\.\d+")
EXTERNAL_TAG = re.compile(r"tag:stsci\.edu:asdf/core/externalarray-.*")
COLLECTIONS = ("a collection", "another")
# Who may name types in the files we take: ASDF itself, its astronomy libraries, the missions.
KNOWN_TAGS = (
    "tag:stsci.edu:",
    "asdf://stsci.edu/",
    "asdf://asdf-format.org/",
    "tag:astropy.org:",
    "asdf://astropy.org/",
    "tag:sunpy.org:",
    "asdf://sunpy.org/",
    "asdf://dkist.nso.edu/",
    "tag:dkist.nso.edu:",
)
YAML_TAG = re.compile(
    r"tag:yaml\.org,2002:(?:null|bool|int|float|str|seq|map|timestamp|binary|merge|omap|set)"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """What was found: the tree's root and the blocks, none of them read."""

    root: Branch
    blocks: tuple[Block, ...]

    def tag_of(self, key: str) -> str | None:
        """The tag of a value at the top of the tree."""
        value = self.root.get(key)
        return value.tag if value is not None else None

    def shape_of(self, *path: str) -> str | None:
        """The shape of an array as text, such as ``4088x4088``."""
        node: Tree | None = self.root
        for key in (*path, "shape"):
            node = node.get(key) if isinstance(node, Branch) else None
        if not isinstance(node, Sequence_):
            return None
        return "x".join(item.text for item in node.items if isinstance(item, Leaf))


def scan(source: BinaryIO, size_bytes: int, findings: Findings) -> Layout:
    """Look through the file. Raises InvalidFileError, and nothing else, for what breaks the format or a limit."""
    text, tree_end = _tree_text(source, size_bytes)
    root = read_tree(text)
    if not isinstance(root, Branch):
        raise InvalidFileError(
            "UNREADABLE", "the tree is no mapping, wanted keys with values", wanted="a mapping"
        )
    blocks = read_blocks(source, tree_end, size_bytes, findings)
    unknown: dict[str, int] = {}
    for node in walk(root):
        _check_tag(node.tag, unknown)
        if isinstance(node, Branch):
            _check_branch(node, findings)
            if node.tag and ARRAY_TAG.fullmatch(node.tag):
                check_array(node, blocks)
    for tag, count in unknown.items():
        findings.warn("UNKNOWN_TAG", f"{count} values are of a type that is not known here", found=tag)
    return Layout(root, blocks)


def flattened(tree: Tree | None, prefix: str) -> Mapping[str, Scalar]:
    """The scalars of a tree of mappings under dotted names."""
    values: dict[str, Scalar] = {}
    waiting = [(prefix, tree)]
    while waiting and len(values) < 10_000:
        name, node = waiting.pop()
        if isinstance(node, Leaf):
            values[name] = node.value
        elif isinstance(node, Branch):
            waiting.extend((f"{name}.{k.text}", v) for k, v in reversed(node.items) if isinstance(k, Leaf))
    return values


def _tree_text(source: BinaryIO, size_bytes: int) -> tuple[bytes, int]:
    """The YAML of the file up to its end mark, and where that ends."""
    source.seek(0)
    text = source.read(MAX_TREE_BYTES + 8)
    if not FIRST_LINE.match(text):
        raise InvalidFileError("UNREADABLE", "the first line is not that of ASDF", wanted="#ASDF 1.0.0")
    end = TREE_END.search(text)
    if end is None and len(text) > MAX_TREE_BYTES:
        raise InvalidFileError(
            "LIMIT_EXCEEDED",
            f"the tree is longer than {MAX_TREE_BYTES} bytes; put tables and arrays into binary blocks",
            wanted=f"<= {MAX_TREE_BYTES} bytes",
        )
    if end is None:
        raise InvalidFileError(
            "TRUNCATED",
            f"the tree has no end mark in {size_bytes} bytes, to the end of the file; send the whole file",
            found=f"{size_bytes} bytes",
            wanted="... on a line of its own",
        )
    return text[: end.end()], end.end()


def _check_tag(tag: str | None, unknown: dict[str, int]) -> None:
    if tag is None or tag == "!" or tag.startswith(KNOWN_TAGS) or YAML_TAG.fullmatch(tag):
        if tag and EXTERNAL_TAG.fullmatch(tag):
            raise _unsafe(f"a value of type {shortened(tag, 100)}", "arrays inside the file")
        return
    if tag.startswith("tag:yaml.org,2002:"):
        raise _unsafe(f"a value of type {shortened(tag, 100)}, which makes readers run code", "plain values")
    if len(unknown) < 20:
        shown = shortened(tag, 200)
        unknown[shown] = unknown.get(shown, 0) + 1


def _check_branch(node: Branch, findings: Findings) -> None:
    """Keys must not repeat with other values, and none may point out of the file."""
    values: dict[str, Tree] = {}
    for key, value in node.items:
        if not isinstance(key, Leaf):
            continue
        if key.text == "$ref":
            raise _unsafe("a reference ($ref) to another place", "a file that is complete in itself")
        if key.text in values and key.text != "<<":
            _repeated(key.text, values[key.text], value, findings)
        values[key.text] = value


def _repeated(key: str, first: Tree, second: Tree, findings: Findings) -> None:
    """Two collections are never known to be alike; readers disagree on which one counts, so no policy may choose."""
    key = shortened(key, 80)
    values = (
        (first.value, second.value) if isinstance(first, Leaf) and isinstance(second, Leaf) else COLLECTIONS
    )
    repeated(findings, "one mapping", [(key, *values)], always_wrong={key})


def _unsafe(found: str, wanted: str) -> InvalidFileError:
    message = f"{found} stands in the tree, wanted {wanted}; write the file again"
    return InvalidFileError("UNSAFE_CONTENT", message, found=found, wanted=wanted)
