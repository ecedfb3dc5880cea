"""Preprocess: a program's inputs staged and verified where whoever inverts it works, or why that is not needed."""

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from consumers.claims import WorkItem
from consumers.effects.asking import Asks, report
from consumers.effects.judging import Found, standings
from consumers.failures import Failed
from consumers.homes import Home
from consumers.known_programs import WHOLE_OP, datasets_of, parts_of
from consumers.staging import Input, stage
from consumers.storage_errors import SourceMissing, TransferMismatch
from consumers.tools import Tools
from events.op_parts import Dataset, ProgramNow
from events.op_requests import ReportOpNotNeeded, ReportOpPreprocessed

__all__ = ["folder_of_program", "not_needed", "place_of_inputs", "preprocess", "why_not_needed"]

_FRAME_SUFFIXES = (".fits", ".fits.fz", ".fit")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


def preprocess(item: WorkItem, tools: Tools) -> Asks:
    """Stage the inputs and report them. Raises Failed, Wait and StorageError."""
    home = tools.homes.now()
    part = item.payload["part"]
    with tools.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        parts = parts_of(connection, [(item.subject, part), (item.subject, WHOLE_OP)])
        now = ProgramNow.model_validate(parts[item.subject, part].known["now"])
        datasets = [
            each.dataset
            for each in datasets_of(connection, [(item.subject, now.program)])[item.subject, now.program]
        ]
    frames = _frames(datasets)
    because = why_not_needed(home)
    if because is not None:
        yield report(item, _report_not_needed(now, datasets, because))
        return
    about = {
        "op": item.subject,
        "program": now.program,
        "instrument": now.instrument,
        **parts[item.subject, WHOLE_OP].known,
    }
    folder = _folder(home, item.subject, now, again=parts[item.subject, part].known.get("again"))
    staged = stage(
        [each for dataset in datasets for each in _inputs(dataset, home, about, tools)],
        folder,
        lambda wanted, path: _fetch(wanted, path, tools),
        about={"op": item.subject, "program": now.program, "cover": now.cover.model_dump()},
    )
    yield report(
        item,
        ReportOpPreprocessed(
            program=now.program,
            cover=now.cover,
            location=folder.as_uri(),
            files=staged.files,
            size_bytes=staged.size_bytes,
            manifest_uri=staged.manifest.as_uri(),
            manifest_sha256=staged.manifest_sha256,
            frames=frames,
        ),
    )


def not_needed(items: Sequence[WorkItem], tools: Tools) -> Iterator[Found]:
    """The reports on programs of which nothing has to be staged, all of them read in one look."""
    because = why_not_needed(tools.homes.now())
    if because is None:
        raise ValueError("found staging needed, wanted a thread that stages one program after the other")
    for item, standing in standings(items, tools):
        yield item, report(item, _report_not_needed(standing.now, standing.datasets, because))


def _report_not_needed(now: ProgramNow, datasets: list[Dataset], because: str) -> ReportOpNotNeeded:
    return ReportOpNotNeeded(program=now.program, cover=now.cover, because=because, frames=_frames(datasets))


def _frames(datasets: list[Dataset]) -> int | None:
    """How many frames whoever inverts it has to do with; None where no record says."""
    told = [each.frames for each in datasets if each.frames is not None]
    return sum(told) if told else None


def why_not_needed(home: Home) -> str | None:
    """Why nothing is staged at this home, the same for all programs; None: their inputs are staged."""
    programs = home.programs
    if programs.inputs is None or programs.work_area is None:
        return "no place of inputs and work area are configured: the inputs are read where they are"
    return None


def _folder(home: Home, subject: str, now: ProgramNow, *, again: int | None = None) -> Path:
    """Of exactly these datasets: when they change, another folder is begun and the old one stays as it is.

    ``again``: the number of the fact that wants them once more, after they were removed.
    """
    digest = now.cover.digest[:16]
    return folder_of_program(home, subject, now.program) / (digest if again is None else f"{digest}-{again}")


def folder_of_program(home: Home, subject: str, program: str) -> Path:
    """Where folders with a program's inputs are. Raises Failed."""
    area = urlsplit(str(home.programs.work_area))
    if area.scheme != "file" or not area.path.startswith("/"):
        message = f"found the work area {home.programs.work_area}, wanted a folder on this host (file:///…)"
        raise Failed("WORK_AREA_UNUSABLE", "data", message)
    return Path(unquote(area.path)) / _safe(subject) / _safe(program)


def _safe(name: str) -> str:
    """A name as a step of a path; one that is none is replaced by its sum."""
    return name if _SAFE.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:32]


def _inputs(dataset: Dataset, home: Home, about: dict[str, Any], tools: Tools) -> Iterator[Input]:
    """The dataset's files. Raises Failed where there are fewer than the dataset has frames."""
    place = place_of_inputs(dataset, str(home.programs.inputs), about)
    found = [each for each in _listed(dataset, place, tools) if each.size_bytes > 0]
    frames = sum(each.name.endswith(_FRAME_SUFFIXES) for each in found)
    wanted = dataset.frames or 1
    if frames < wanted:
        raise Failed(
            "INPUTS_INCOMPLETE",
            "transient",
            f"dataset {dataset.dataset}: {frames} frames found at {place}, wanted {wanted}; they may not have come yet",
            found=f"{frames} frames",
            wanted=f"{wanted} frames",
        )
    yield from found


class _Steps(dict[str, Any]):
    """Members of a place, each of which is one step of it: what a catalogue calls a dataset leads to no other's."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if not _SAFE.fullmatch(str(value)):
            found = repr(str(value)[:200])
            message = (
                f"found the {name} {found} in the place of inputs, wanted a name of letters, digits and . _ -"
            )
            raise Failed("INPUT_NAME_UNSAFE", "data", f"{message}; have its catalogue mended", found=found)
        return value


def place_of_inputs(dataset: Dataset, template: str, about: dict[str, Any]) -> str:
    """Where the dataset's files are, by the configuration's template. Raises Failed."""
    members = _Steps({**about, "dataset": dataset.dataset, "instrument": dataset.instrument})
    try:
        return template.format_map(members)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        known = ", ".join(f"{{{name}}}" for name in sorted(members))
        message = f"the place of inputs {template} asks for {error}, which nobody has said; known are {known}"
        raise Failed("INPUTS_PLACE_UNKNOWN", "data", message) from error


def _listed(dataset: Dataset, place: str, tools: Tools) -> Iterator[Input]:
    parts = urlsplit(place)
    if parts.scheme == "s3":
        prefix = unquote(parts.path.lstrip("/"))
        for key, size_bytes in tools.storage.list_keys(parts.netloc, prefix):
            name = key.removeprefix(prefix)
            yield Input(
                _safe(dataset.dataset), _relative(name, key), f"s3://{parts.netloc}/{key}", size_bytes
            )
    elif parts.scheme == "file":
        folder = Path(unquote(parts.path))
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                name = path.relative_to(folder).as_posix()
                yield Input(_safe(dataset.dataset), _relative(name, name), path.as_uri(), path.stat().st_size)
    else:
        raise Failed(
            "INPUTS_PLACE_UNKNOWN", "data", f"found the place of inputs {place}, wanted s3:// or file://"
        )


def _relative(name: str, key: str) -> str:
    """The file's name below its dataset; a key can't lead out of the folder."""
    if (
        any(step in {"", ".", ".."} for step in PurePosixPath(name).parts)
        or name.startswith("/")
        or "\0" in name
    ):
        raise Failed(
            "INPUT_NAME_UNSAFE", "data", f"found the key {key!r}, wanted plain steps between its slashes"
        )
    return name


def _fetch(wanted: Input, path: Path, tools: Tools) -> tuple[int, str]:
    """The bytes, proven against what their store knows of them."""
    if wanted.uri.startswith("file:"):
        shutil.copyfile(unquote(urlsplit(wanted.uri).path), path)
        with path.open("rb") as source:
            return path.stat().st_size, hashlib.file_digest(source, "sha256").hexdigest()
    bucket, _, key = wanted.uri.removeprefix("s3://").partition("/")
    head = tools.storage.head(bucket, key)
    if head is None:
        raise SourceMissing(f"{wanted.uri}: was listed, and is not there now")
    size_bytes, sha256 = tools.storage.get_to_file(bucket, key, path)
    if head.sha256 is not None and head.sha256 != sha256:
        raise TransferMismatch(wanted.uri, head.sha256, sha256, head.size_bytes, size_bytes)
    return size_bytes, sha256
