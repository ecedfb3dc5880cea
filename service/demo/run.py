"""The main job on real input, end to end: a night is taken in, then observing programs go to their publication."""

import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from consumers.deadletter import Cause, DeadLetters, Which
from consumers.drafts import STRUCTURED
from projectors.night_report import archived_uris, ends, stages
from projectors.stream_rules import read_rules
from service.client import Client
from service.demo.announcement import Announcement, BadMessage
from service.demo.maker import PROGRAM_FRAMES, PROGRAMS, make_files
from service.demo.metadata_store import metadata_store
from service.demo.night import Night, bytes_needed, make_night, night_of
from service.demo.programs import Programs, at_home, run_programs
from service.demo.progress import Progress
from service.demo.streams import DKIST, SENDERS, demo_streams
from service.demo.watching import Standing, differences, watch
from service.settings import Settings
from service.site import bring_up
from service.streams import bring_in_force
from service.why import Why

__all__ = ["NotPossibleError", "Result", "run_demo"]

LIMIT_S = 420.0
_LOOK_S = 0.2
_RESERVE_BYTES = 500_000_000


class NotPossibleError(Exception):
    """The demo can't run as things are; the message says what would help."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a night has ended."""

    seed: int
    night: str
    landing: Path
    standing: Standing
    stages: list[dict[str, Any]]
    whys: list[Why]
    dead: list[Cause]
    bad_messages: int
    seconds: float
    programs: Programs
    differences: list[str] = field(default_factory=list)


def run_demo(
    settings: Settings,
    *,
    files: int,
    full: bool,
    keep: bool,
    seed: int | None,
    actor: str,
    progress: Progress,
) -> Result:
    """Run a night; raises StackError and NotPossibleError where it can't begin."""
    began = datetime.now(UTC)
    folder = settings.data / "demo"
    _check_room(folder, files=files, full=full)
    runs = _Runs(folder)
    chosen = runs.next_seed() if seed is None else seed
    # Files need no server: they are made while the servers start.
    with _Making(folder, files=files, full=full, seed=chosen) as making, metadata_store() as store:
        wiring = bring_up(settings, with_roles=True, progress=progress.say)
        client = Client(wiring, actor=actor, reason="demo", source="demo")
        try:
            _bring_in_force(client, folder, store.url, progress)
            night = making.wait(progress)
            if not keep and seed is None:
                _make_room(client, folder / "landing")
            if seed is None:
                _check_new(client, night)
            runs.note(night)
            announced_at = datetime.now(UTC)
            _announce(client, night, progress)
            with progress.standing("they arrive, are checked, copied and registered") as told:
                standing = watch(client.engine, night, limit_s=LIMIT_S, told=told)
            progress.say("observing programs: a scan of their catalogue")
            programs = run_programs(client, folder / "programs", store.shown, progress.say)
            return _result(client, night, standing, programs, began=began, announced_at=announced_at)
        finally:
            client.close()


class _Making:
    """The night's files, and the frames of observing programs, being made beside everything else."""

    def __init__(self, folder: Path, *, files: int, full: bool, seed: int) -> None:
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="night")
        self._made = 0
        self._total = files + PROGRAM_FRAMES
        counting: dict[str, Any] = {"seed": seed, "on_file": lambda _: self._count()}
        self._night = self._pool.submit(make_night, folder / "landing", files=files, full=full, **counting)
        frames = {PROGRAMS: PROGRAM_FRAMES}
        self._frames = self._pool.submit(
            make_files, folder / "programs", frames, night=night_of(seed), full=False, **counting
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def wait(self, progress: Progress) -> Night:
        """The night, once all its files are there."""
        with progress.counting("the night's files are made", lambda: self._made, self._total) as told:
            while not (self._night.done() and self._frames.done()):
                told()
                time.sleep(_LOOK_S)
            told()
        self._frames.result()
        return self._night.result()

    def _count(self) -> None:
        self._made += 1  # from several threads: a number for the eye only


def _result(
    client: Client,
    night: Night,
    standing: Standing,
    programs: Programs,
    *,
    began: datetime,
    announced_at: datetime,
) -> Result:
    with client.engine.connect() as connection:
        timings = stages(connection, list(night.expected), since=announced_at)
    not_complete = [file for file, found in sorted(standing.found.items()) if found.state != "COMPLETE"]
    answers = [client.why(file) for file in not_complete]
    dead = DeadLetters(client.log, client.wiring.topics).causes(Which(since=announced_at))
    different = differences(night, standing.found)
    different += [*_lost(night, dead), *programs.differences]
    return Result(
        seed=night.seed,
        night=night.night.isoformat(),
        landing=night.landing,
        standing=standing,
        stages=timings,
        whys=[each for each in answers if isinstance(each, Why)],
        dead=dead,
        bad_messages=len(night.bad_messages),
        seconds=(datetime.now(UTC) - began).total_seconds(),
        programs=programs,
        differences=different,
    )


def _lost(night: Night, dead: list[Cause]) -> Iterator[str]:
    """Messages that could not be taken have to be among the dead letters, each with its code."""
    wanted: dict[str, int] = {}
    for bad in night.bad_messages:
        wanted[bad.code] = wanted.get(bad.code, 0) + 1
    for code, count in sorted(wanted.items()):
        found = sum(cause.count for cause in dead if cause.code == code)
        if found < count:
            yield f"dead letters with the code {code}: found {found}, wanted {count}"


def _check_room(folder: Path, *, files: int, full: bool) -> None:
    # Landing, archive, and half as much again for Kafka and the database.
    needed = int(bytes_needed(files, full=full) * 2.5) + _RESERVE_BYTES
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise NotPossibleError(
            f"{existing} has {free / 1e9:.1f} GB free, such a night needs {needed / 1e9:.1f} GB; "
            "make room, set MERIDIAN_DATA to a roomier place, or take fewer --files"
        )


def _bring_in_force(client: Client, folder: Path, portal: str, progress: Progress) -> None:
    configurations = [
        at_home(each, folder / "programs", portal=portal) if each.stream == DKIST else each
        for each in demo_streams(folder / "landing")
    ]
    asked = bring_in_force(client, configurations, enable=True)
    states = [f"{each.ask.subject} {each.outcome.tostate if each.outcome else 'in doubt'}" for each in asked]
    progress.say(f"streams: {', '.join(states)}")
    with client.engine.connect() as connection:
        held = [name for name, rule in read_rules(connection).items() if rule.held and name in SENDERS]
    if held:
        raise NotPossibleError(
            f"found {', '.join(held)} on hold; release with meridian stream unhold {' '.join(held)}"
        )
    if any(each.outcome is None or each.outcome.tostate != "Enabled" for each in asked):
        raise NotPossibleError(
            f"found the streams {', '.join(states)}, wanted Enabled; meridian status says more"
        )


def _make_room(client: Client, landing: Path) -> None:
    """Remove the landed files of earlier nights that the archive has; the others may still be looked at again."""
    with client.engine.connect() as connection:
        archived = archived_uris(connection, prefix=f"{landing.resolve().as_uri()}/")
    for uri in archived:
        Path(unquote(urlsplit(uri).path)).unlink(missing_ok=True)


def _check_new(client: Client, night: Night) -> None:
    with client.engine.connect() as connection:
        known = ends(connection, list(night.expected))
    if known:
        raise NotPossibleError(
            f"{known[0]['file']} and {len(known) - 1} more of this night are known already; run the demo again for "
            "another night, or name one with --seed"
        )


def _announce(client: Client, night: Night, progress: Progress) -> None:
    by_sender: dict[str, list[Announcement | BadMessage]] = {}
    said: list[Announcement | BadMessage] = [*night.announcements, *night.bad_messages]
    for each in said:
        by_sender.setdefault(each.sender, []).append(each)
    for sender, own in by_sender.items():
        client.publish(sender, [_message(each) for each in own])
    senders = ", ".join(sorted(by_sender))
    progress.say(f"published {len(said)} messages of {senders}; {len(night.bad_messages)} are bad on purpose")


def _message(said: Announcement | BadMessage) -> tuple[bytes | None, bytes, tuple[tuple[str, bytes], ...]]:
    if isinstance(said, BadMessage):
        return None, said.value, ()
    return said.uri.encode(), json.dumps(said.cloudevent()).encode(), STRUCTURED


class _Runs:
    """Which nights there were in this data folder, so that each run is another one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._note = folder / "nights.json"
        folder.mkdir(parents=True, exist_ok=True)

    def next_seed(self) -> int:
        """One that was not used here before."""
        return max(self._seeds(), default=-1) + 1

    def note(self, night: Night) -> None:
        """Remember it."""
        self._note.write_text(json.dumps(sorted({*self._seeds(), night.seed})) + "\n", "utf-8")
        night.write_manifest(self._folder / f"night-{night.seed}.json")

    def _seeds(self) -> list[int]:
        try:
            return [int(each) for each in json.loads(self._note.read_text("utf-8"))]
        except (OSError, ValueError):  # none yet, or a note that nobody can read: begin anew
            return []
