"""All checks of a format on a file or a folder, without ledger and servers: for whoever writes or repairs files."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from consumers.child import ChildResult, Inspector, Limits
from consumers.formats import FORMATS, Expected
from events.stream import PatternRule

__all__ = ["Checked", "check", "files_under"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One file and what looking into it found."""

    path: Path
    result: ChildResult

    @property
    def is_ok(self) -> bool:
        """Whether the file would be taken."""
        return self.result.inspection is not None and self.result.inspection.verdict == "ok"


def check(
    path: Path,
    format: str,  # noqa: A002 - the word everybody uses for it
    *,
    rules: Sequence[PatternRule] = (),
    roles: Sequence[PatternRule] = (),
    purposes: Sequence[PatternRule] = (),
    expected: Expected | None = None,
    limits: Limits | None = None,
    at_once: int = 2,
) -> Iterator[Checked]:
    """Look into the file, or into every file of the format under the folder, in order; ``at_once`` children work.

    ``expected`` is what the stream wants of each, whatever its name. ``rules`` give files of some names another format,
    ``roles`` and ``purposes`` what they are and what they are for, as a stream does; companions have neither its checks
    nor identities.
    """
    formats = [format, *dict.fromkeys(rule.value for rule in rules if rule.value != format)]
    with Inspector(formats, limits) as inspector, ThreadPoolExecutor(at_once) as threads:
        named = _Named(format, tuple(rules), tuple(roles), tuple(purposes))
        look = partial(_look, inspector, named, expected or Expected(""))
        yield from threads.map(look, files_under(path, format, rules))


def files_under(path: Path, format: str, rules: Sequence[PatternRule] = ()) -> list[Path]:  # noqa: A002
    """The file itself, or the files under the folder that have the formats' extensions; hidden ones are left out."""
    if not path.is_dir():
        return [path]
    own = FORMATS[format].extensions
    extensions = (
        own + tuple(each for rule in rules for each in FORMATS[rule.value].extensions) if own else own
    )
    found = (file for file in path.rglob("*") if file.is_file() and not _is_hidden(file.relative_to(path)))
    return sorted(file for file in found if not extensions or file.name.lower().endswith(extensions))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


@dataclass(frozen=True, slots=True)
class _Named:
    """What the stream says of files by their names."""

    format: str
    rules: tuple[PatternRule, ...]
    roles: tuple[PatternRule, ...]
    purposes: tuple[PatternRule, ...]

    def format_of(self, name: str) -> str:
        return _value(self.rules, name) or self.format

    def role_of(self, name: str) -> str:
        return _value(self.roles, name) or FORMATS[self.format_of(name)].role

    def purpose_of(self, name: str) -> str | None:
        """None: of a stream without rules for it, what the file itself says."""
        return (_value(self.purposes, name) or "science") if self.purposes else None


def _value(rules: Sequence[PatternRule], name: str) -> str | None:
    return next((rule.value for rule in rules if re.fullmatch(rule.pattern, name)), None)


def _look(inspector: Inspector, named: _Named, expected: Expected, path: Path) -> Checked:
    if named.role_of(path.name) != "primary":
        expected = replace(expected, stream_checks=(), identity_rule=None, judging=None)
    if expected.judging is not None:
        judging = replace(expected.judging, purpose=named.purpose_of(path.name))
        expected = replace(expected, judging=judging)
    wanted = named.format_of(path.name)
    return Checked(path, inspector.inspect(path, wanted, replace(expected, name=path.name)))
