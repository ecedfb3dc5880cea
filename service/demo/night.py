"""A whole night in a landing folder: good files, mishaps, what is said of them, what is to come of each."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

from service.demo.announcement import Announcement, BadMessage, NightFile, Outcome
from service.demo.bad_messages import bad_messages
from service.demo.desk import Desk
from service.demo.maker import make_files
from service.demo.mishaps import MISHAPS
from service.demo.streams import DKIST, KECK, ROMAN

__all__ = ["Night", "bytes_needed", "good_files", "make_night", "night_of"]

LATEST = date(2026, 11, 20)
_STREAMS = (ROMAN, DKIST, KECK)
# Measured: one file of each stream, small and full size.
_FILE_BYTES = {ROMAN: (145_000, 134_000_000), DKIST: (55_000, 10_300_000), KECK: (32_000, 10_200_000)}


@dataclass(frozen=True, slots=True)
class Night:
    """What was made. ``expected`` is by subject; in each set of ``rivals`` any one may win."""

    landing: Path
    seed: int
    night: date
    files: tuple[NightFile, ...]
    announcements: tuple[Announcement, ...]
    bad_messages: tuple[BadMessage, ...]
    expected: Mapping[str, Outcome]
    rivals: tuple[frozenset[str], ...]

    def differences(self, found: Mapping[str, Outcome]) -> Iterator[str]:
        """Where the night ended otherwise than expected, one line a subject."""
        expected = {**self.expected, **self._winners(found)}
        for subject, wanted in sorted(expected.items()):
            got = found.get(subject, Outcome(None, wanted.code if wanted.state is None else None))
            if got != wanted:
                yield f"{subject}: found {_said(got)}, wanted {_said(wanted)}"

    def manifest(self) -> dict[str, Any]:
        """The night as JSON can hold it."""
        return {
            "seed": self.seed,
            "night": self.night.isoformat(),
            "files": [
                {
                    "subject": file.subject,
                    "path": str(file.path),
                    "size_bytes": file.size_bytes,
                    "sha256": file.sha256,
                    "mishap": file.mishap,
                }
                for file in self.files
            ],
            "announcements": [said.cloudevent() | {"mishap": said.mishap} for said in self.announcements],
            "bad_messages": [
                {
                    "sender": bad.sender,
                    "mishap": bad.mishap,
                    "bytes": len(bad.value),
                    "code": bad.code,
                    "why": bad.why,
                }
                for bad in self.bad_messages
            ],
            "expected": {subject: outcome._asdict() for subject, outcome in self.expected.items()},
            "rivals": [sorted(rivals) for rivals in self.rivals],
        }

    def write_manifest(self, path: Path) -> None:
        """The same, as a file."""
        path.write_text(json.dumps(self.manifest(), indent=1) + "\n", "utf-8")

    def _winners(self, found: Mapping[str, Outcome]) -> dict[str, Outcome]:
        """Expectations of rivals, given out anew where another one of them has won."""
        swapped: dict[str, Outcome] = {}
        for rivals in self.rivals:
            outcomes = sorted((self.expected[subject] for subject in rivals), key=_order)
            in_order = sorted(sorted(rivals), key=lambda subject: _order(found.get(subject, Outcome(None))))
            swapped.update(zip(in_order, outcomes, strict=True))
        return swapped


def make_night(
    landing: Path,
    *,
    seed: int = 0,
    files: int = 64,
    full: bool = False,
    mishaps: bool = True,
    on_file: Callable[[str], None] = lambda _: None,
) -> Night:
    """Make a night of ``files`` good files and one of each mishap below ``landing``, a folder a stream.

    The same seed gives the same names, bytes and event ids; another seed is another night. ``on_file`` is
    called with the stream of each file that has been written, from several threads.
    """
    happening = MISHAPS if mishaps else []
    good = good_files(files)
    spares = {stream: sum(each.spares for each in happening if each.stream == stream) for stream in _STREAMS}
    night = night_of(seed)
    counts = {stream: good[stream] + spares[stream] for stream in _STREAMS}
    made = make_files(landing, counts, seed=seed, night=night, full=full, on_file=on_file)
    desk = Desk(landing, seed, night, datetime(night.year, night.month, night.day, 20, tzinfo=UTC))
    announcements = _announce(desk, made, good, mishaps=mishaps)
    bad = tuple(bad_messages(landing, seed=seed, sent_at=desk.now + timedelta(seconds=1))) if mishaps else ()
    return Night(
        landing, seed, night, tuple(desk.files), announcements, bad, desk.expected, tuple(desk.rivals)
    )


def good_files(files: int) -> dict[str, int]:
    """How many files of each stream make ``files``: at least one of each."""
    roman = max(1, files * 3 // 8)
    dkist = max(1, (files - roman) // 2)
    return {ROMAN: roman, DKIST: dkist, KECK: max(1, files - roman - dkist)}


def night_of(seed: int) -> date:
    """The night that a seed stands for; more than eight years of them, none in the future."""
    return LATEST - timedelta(days=seed % 3000)


def bytes_needed(files: int, *, full: bool) -> int:
    """About how many bytes such a night takes in the landing folder; archived, it takes them once more."""
    spares = {stream: sum(each.spares for each in MISHAPS if each.stream == stream) for stream in _STREAMS}
    good = good_files(files)
    return sum((good[stream] + spares[stream]) * _FILE_BYTES[stream][full] for stream in _STREAMS)


def _announce(
    desk: Desk, made: dict[str, list[Path]], good: dict[str, int], *, mishaps: bool
) -> tuple[Announcement, ...]:
    """Good files in turn from all streams, with a mishap after every third one until all have happened."""
    turns = zip_longest(*([(stream, path) for path in made[stream][: good[stream]]] for stream in _STREAMS))
    spares = {stream: iter(made[stream][good[stream] :]) for stream in _STREAMS}
    waiting = iter(MISHAPS if mishaps else ())
    said: list[Announcement] = []
    for number, (stream, path) in enumerate((file for turn in turns for file in turn if file), start=1):
        said.append(desk.announce(stream, path))
        each = next(waiting, None) if number % 3 == 0 else None
        if each is not None:
            said.extend(each.happen([next(spares[each.stream]) for _ in range(each.spares)], desk))
    for each in waiting:
        said.extend(each.happen([next(spares[each.stream]) for _ in range(each.spares)], desk))
    return tuple(said)


def _order(outcome: Outcome) -> tuple[bool, str]:
    return (outcome.state != "COMPLETE", outcome.code or "")


def _said(outcome: Outcome) -> str:
    state = outcome.state or "not taken"
    again = f", version {outcome.version}" if outcome.version > 1 else ""
    return f"{state} ({outcome.code}){again}" if outcome.code else f"{state}{again}"
