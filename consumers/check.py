"""All checks of a format on a file or a folder, without ledger and servers: for whoever writes or repairs files."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from consumers.checks.judging import Judging
from consumers.child import ChildResult, Inspector, Limits
from consumers.formats import FORMATS, Expected

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
    stream_checks: Sequence[str] = (),
    identity_rule: str | None = None,
    judging: Judging | None = None,
    limits: Limits | None = None,
    at_once: int = 2,
) -> Iterator[Checked]:
    """Look into the file, or into every file of the format under the folder, in order; ``at_once`` children work."""
    with Inspector([format], limits) as inspector, ThreadPoolExecutor(at_once) as threads:
        expected = Expected(
            "", stream_checks=tuple(stream_checks), identity_rule=identity_rule, judging=judging
        )
        look = partial(_look, inspector, format, expected)
        yield from threads.map(look, files_under(path, format))


def files_under(path: Path, format: str) -> list[Path]:  # noqa: A002
    """The file itself, or the files under the folder that have the format's extensions; hidden ones are left out."""
    if not path.is_dir():
        return [path]
    extensions = FORMATS[format].extensions
    found = (file for file in path.rglob("*") if file.is_file() and not _is_hidden(file.relative_to(path)))
    return sorted(file for file in found if not extensions or file.suffix.lower() in extensions)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _look(inspector: Inspector, format_name: str, expected: Expected, path: Path) -> Checked:
    return Checked(path, inspector.inspect(path, format_name, replace(expected, name=path.name)))
