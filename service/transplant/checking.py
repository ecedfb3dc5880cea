"""Whether an export is what was written: sums, counts, order, and of the ledger every sequence and every chain."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from events.topics import Topics
from service.transplant.chains import Chains, WrongRecordError
from service.transplant.folder import Written, lines_of
from service.transplant.lines import WrongLineError, message_of
from service.transplant.manifest import Manifest, Part, TransplantError
from service.transplant.telling import Telling

__all__ = ["check"]

_HELP = "the export is damaged or was changed: take another copy, or export again"


def check(folder: Path, manifest: Manifest, telling: Telling) -> None:
    """Read all of it, a line at a time; raises TransplantError that names file and line. Nothing is written."""
    _check_whole(folder, manifest)
    for part in manifest.parts:
        telling.step(f"checking {part.file}", part.records)
        path, written = folder / part.file, Written()
        if not path.is_file():
            raise TransplantError(
                f"{path}: found no such file, wanted one of {part.records} records; {_HELP}"
            )
        lines = lines_of(path, written)
        trouble = _first_wrong(part, manifest, lines, telling)
        for _ in lines:
            pass  # the sum is over all of it
        _check_sum(path, part, written, trouble)
        if trouble is not None:
            raise TransplantError(f"{path} line {trouble[0]}: {trouble[1]}; {_HELP}")


def _check_whole(folder: Path, manifest: Manifest) -> None:
    """Every partition of every ledger is among the files."""
    topics = Topics(manifest.site)
    for machine, count in manifest.partitions.items():
        for kind, topic in (("ledger", topics.events(machine)), ("requests", topics.requests(machine))):
            there = sorted(part.partition for part in manifest.of(kind) if part.name == topic)
            if there != list(range(count)):
                raise TransplantError(
                    f"{folder}: found partitions {there} of {topic}, wanted all {count}; {_HELP}"
                )


def _check_sum(path: Path, part: Part, written: Written, trouble: tuple[int, str] | None) -> None:
    if (written.sha256, written.lines) == (part.sha256, part.records):
        return
    where = f"; line {trouble[0]}: {trouble[1]}" if trouble else ""
    raise TransplantError(
        f"{path}: found {written.lines} records in {written.bytes} bytes with the SHA-256 {written.sha256[:12]}…, "
        f"wanted {part.records} in {part.bytes} with {part.sha256[:12]}…{where}; {_HELP}"
    )


def _first_wrong(
    part: Part, manifest: Manifest, lines: Iterator[bytes], telling: Telling
) -> tuple[int, str] | None:
    """Number and fault of the first line that is not in order; None: all are."""
    if part.kind == "table":
        return _first_no_row(lines)
    machine = part.name.split(".")[1]
    chains = Chains(machine, part.partition, manifest.partitions[machine]) if part.kind == "ledger" else None
    before = part.begin - 1
    try:
        for number, line in enumerate(lines, start=1):
            telling.more(1)
            try:
                message, is_passed = message_of(line, part.name, part.partition)
                if not before < message.offset < part.end:
                    wanted = f"one from {before + 1} to {part.end - 1}: records are in their order"
                    raise WrongRecordError(f"found offset {message.offset}, wanted {wanted}")
                before = message.offset
                if chains is not None and not is_passed:
                    chains.follow(message)
            except (WrongLineError, WrongRecordError) as error:
                return number, str(error)
    finally:
        if chains is not None:
            chains.close()
    return None


def _first_no_row(lines: Iterator[bytes]) -> tuple[int, str] | None:
    for number, line in enumerate(lines, start=1):
        try:
            if isinstance(orjson.loads(line), dict):
                continue
        except orjson.JSONDecodeError:
            pass
        return number, f"found {line[:80]!r}, wanted a row as a JSON object"
    return None
