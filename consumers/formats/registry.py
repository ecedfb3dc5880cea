"""Formats by their names: our own, and those that other packages announce as entry points of ``meridian.formats``."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from consumers.formats.format import ROLES, Format

__all__ = ["GROUP", "Formats", "RefusedPlugin", "plugins"]

log = logging.getLogger(__name__)

GROUP = "meridian.formats"

NAME = re.compile(r"[a-z][a-z0-9-]{1,62}")
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")
EXTENSION = re.compile(r"\.[a-z0-9][a-z0-9.]*")


@dataclass(frozen=True, slots=True)
class RefusedPlugin:
    """An entry point that gives no format: what was found under it, and what was wanted."""

    entry: str
    package: str
    found: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.entry} of {self.package}: found {self.found}, wanted {self.wanted}"


class Formats(Mapping[str, Format]):
    """Our own formats first; others' are looked for when a format is first asked for, so an import has no effect.

    A bad plug-in is left out, with its reason in ``refused`` and one line in the log; it stops no other format.
    """

    def __init__(self, own: Iterable[Format], entries: Iterable[EntryPoint] | None = None) -> None:
        self._own = {each.name: each for each in own}
        self._entries = entries

    def __getitem__(self, name: str) -> Format:
        # Ours need no look at what else is installed, which takes longer than most commands.
        return self._own[name] if name in self._own else self._all[0][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all[0])

    def __len__(self) -> int:
        return len(self._all[0])

    @property
    def refused(self) -> tuple[RefusedPlugin, ...]:
        """What was announced as a format and is none."""
        return self._all[1]

    @cached_property
    def _all(self) -> tuple[dict[str, Format], tuple[RefusedPlugin, ...]]:
        entries = entry_points(group=GROUP) if self._entries is None else self._entries
        others, refused = plugins(entries, taken=self._own)
        for each in refused:
            log.warning("format of another package refused", extra={"plugin": str(each)})
        return {**self._own, **others}, refused


def plugins(
    entries: Iterable[EntryPoint], *, taken: Iterable[str]
) -> tuple[dict[str, Format], tuple[RefusedPlugin, ...]]:
    """The formats that the entry points give, and those that give none. ``taken``: names that are not theirs to use."""
    known = dict.fromkeys(taken, "Meridian")
    found: dict[str, Format] = {}
    refused: list[RefusedPlugin] = []
    # In an order of their own, so that of two with one name the same one is always refused.
    for entry in sorted(entries, key=lambda each: (each.name, each.value)):
        package = entry.dist.name if entry.dist else "a package without a name"
        given = _loaded(entry)
        problem = _problem(given, known)
        if problem is None and isinstance(given, Format):
            found[given.name] = given
            known[given.name] = package
        elif problem is not None:
            refused.append(RefusedPlugin(entry.name, package, *problem))
    return found, tuple(refused)


@dataclass(frozen=True, slots=True)
class _NotLoaded:
    reason: str


def _loaded(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except Exception as error:  # noqa: BLE001 - another's code, which may fail in any way and must stop nobody
        return _NotLoaded(f"{entry.value}, which gives {type(error).__name__}: {error}"[:500])


def _problem(given: object, known: Mapping[str, str]) -> tuple[str, str] | None:
    """Found and wanted of the first thing that is wrong with what an entry point gave."""
    if isinstance(given, _NotLoaded):
        return given.reason, "module:NAME of a format that can be imported"
    if not isinstance(given, Format):
        return (
            f"an object of {type(given).__module__}.{type(given).__qualname__}",
            "a consumers.formats.Format",
        )
    return _wrong_words(given, known) or _wrong_module(given)


def _wrong_words(given: Format, known: Mapping[str, str]) -> tuple[str, str] | None:
    if not NAME.fullmatch(given.name):
        return f"the name {given.name!r}", "small letters, digits and hyphens, such as eso-raw-fits"
    if given.name in known:
        return f"the name {given.name}, which {known[given.name]} has taken", "a name of its own"
    if not MEDIA_TYPE.fullmatch(given.media_type):
        return f"the media type {given.media_type!r}", "one such as application/fits"
    strange = [each for each in given.extensions if not EXTENSION.fullmatch(each)]
    if strange:
        return f"the extension {strange[0]!r}", "a dot and small letters, such as .fits"
    if given.role not in ROLES:
        return f"the role {given.role!r}", f"one of {', '.join(ROLES)}"
    return None


def _wrong_module(given: Format) -> tuple[str, str] | None:
    """The reader itself is imported where files are read; here it is enough that it is there."""
    try:
        is_there = find_spec(given.module) is not None
    except Exception:  # noqa: BLE001 - its package is imported on the way, and may fail in any way
        is_there = False
    wanted = "a module with the functions read and warm_up"
    return None if is_there else (f"no module {given.module}", wanted)
