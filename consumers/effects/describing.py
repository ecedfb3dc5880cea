"""What is said of a file beside what it says itself: its program, its embargo, and what does not fit its columns."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from consumers.claims import WorkItem
from consumers.effects.asking import Ask, request_for
from consumers.lookups import Lookups
from events.file import Brief
from events.file_requests import EmbargoFile
from events.ids import derived_id
from events.metadata_policy import ForPurpose, ProgramRule, Purpose
from events.stream import StreamConfiguration
from events.types import WarningFinding
from projectors.file_metadata import WIDTHS

__all__ = ["Described", "described", "embargo", "purpose_of"]

_PURPOSES = frozenset(get_args(Purpose))
_MISSING = "PROGRAM_MISSING"
_TOO_LONG = "METADATA_TOO_LONG"


@dataclass(frozen=True, slots=True)
class Described:
    """``metadata`` as the report takes it; ``lookup_s``: waited for outside services, None: none was asked."""

    metadata: dict[str, Any]
    warnings: tuple[WarningFinding, ...] = ()
    lookup_s: float | None = None

    def beside(self, own: Iterable[WarningFinding]) -> tuple[WarningFinding, ...]:
        """The file's own warnings and these; that it names no program itself is nothing where one is known.

        Of a value that is too long for a record and its column both, one warning says so.
        """
        is_told = self.metadata.get("program") is not None or any(
            each.code == _MISSING for each in self.warnings
        )
        wide = {each.keyword for each in self.warnings if each.code == _TOO_LONG}
        kept = (
            each
            for each in own
            if not (is_told and each.code == _MISSING)
            and not (each.code == _TOO_LONG and each.keyword in wide)
        )
        return (*kept, *self.warnings)


@dataclass
class _Program:
    """A program and who says so."""

    name: str | None = None
    by: str | None = None
    lookup_s: float | None = None
    warnings: list[WarningFinding] = field(default_factory=list)


def described(
    told: Mapping[str, Any],
    brief: Brief,
    configuration: StreamConfiguration,
    lookups: Lookups,
    beyond: Mapping[str, str] | None = None,
) -> Described:
    """The file's own metadata with its program, and warnings about both; ``beyond``: whole values of what was cut."""
    program = _program(told, brief, configuration, lookups)
    metadata = {**told, "program": program.name, "program_by": program.by}
    is_primary = brief.role == "primary"
    if is_primary and program.name is None and _of_purpose(told, brief, configuration).program == "required":
        program.warnings.append(_no_program(told, brief, configuration))
    warnings = (*program.warnings, *_too_long(metadata, beyond or {}))
    return Described(metadata, warnings, program.lookup_s)


def embargo(
    item: WorkItem, told: Mapping[str, Any], brief: Brief, configuration: StreamConfiguration, now: datetime
) -> Iterator[Ask]:
    """The request for the embargo of the file's purpose, where that is not over; the same if asked again."""
    purpose = purpose_of(told, brief, configuration)
    hours = _of_purpose(told, brief, configuration).embargo_hours
    if hours is None:
        return
    # Without a time of its own, by the announced time of the file: the same for every attempt.
    begin = _moment(told.get("obs_start_utc")) or brief.content.modified_at or item.created_at
    until = begin + timedelta(hours=hours)
    if until > now:
        request = EmbargoFile(until=until, policy=f"{purpose}: {hours:g} h from the observation")
        yield request_for(item, request, id=derived_id(item.subject, f"embargo {item.version}", 1))


def purpose_of(told: Mapping[str, Any], brief: Brief, configuration: StreamConfiguration) -> Purpose:
    """By the stream's rules if it has any, else as the file itself says, else science."""
    own = told.get("purpose")
    chosen = brief.purpose if configuration.purposes or own not in _PURPOSES else own
    return chosen if chosen in _PURPOSES else "science"  # type: ignore[return-value]


def _of_purpose(told: Mapping[str, Any], brief: Brief, configuration: StreamConfiguration) -> ForPurpose:
    found = configuration.metadata.by_purpose.get(purpose_of(told, brief, configuration))
    return found or ForPurpose()


def _program(
    told: Mapping[str, Any], brief: Brief, configuration: StreamConfiguration, lookups: Lookups
) -> _Program:
    """An operator knows best, then the file, then the rules, then the service."""
    if "program" in brief.overrides:
        return _Program(brief.overrides["program"], "operator")
    if own := str(told.get("program") or "").strip():
        return _Program(own, "file")
    policy = configuration.metadata
    for rule in policy.program_rules:
        if _matches(rule, told):
            return _Program(rule.program, f"rule:{rule.name}"[: WIDTHS["program_by"]])
    service = policy.program_service
    if service is None or brief.role != "primary":  # companions belong where their primary does
        return _Program()
    values = {**dict(told.get("extra") or {}), **told}
    found = lookups.find(service, values)
    if found.problem is not None:
        message = (
            f"{service.name} could not be asked for its program: {found.problem}; reprocess it once it can"
        )
        warning = WarningFinding(code="LOOKUP_FAILED", message=message[:2_000], keyword="program")
        return _Program(lookup_s=found.waited_s, warnings=[warning])
    by = None if found.program is None else f"service:{service.name}"[: WIDTHS["program_by"]]
    return _Program(found.program, by, found.waited_s)


def _matches(rule: ProgramRule, told: Mapping[str, Any]) -> bool:
    begin = _moment(told.get("obs_start_utc"))
    if rule.since is not None and (begin is None or begin < rule.since):
        return False
    if rule.until is not None and (begin is None or begin >= rule.until):
        return False
    values = {**dict(told.get("extra") or {}), **told}
    return all(
        values.get(name) is not None and re.fullmatch(pattern, str(values[name])) is not None
        for name, pattern in rule.match.items()
    )


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _no_program(told: Mapping[str, Any], brief: Brief, configuration: StreamConfiguration) -> WarningFinding:
    purpose = purpose_of(told, brief, configuration)
    message = (
        f"neither the file nor a rule or service of stream {configuration.stream} tells its program, which files for "
        f"{purpose} need; say it with: meridian file reprocess --program PROGRAM --reason '…', or add a rule"
    )
    return WarningFinding(code=_MISSING, message=message, keyword="program", wanted="a program")


def _too_long(metadata: Mapping[str, Any], beyond: Mapping[str, str]) -> Iterator[WarningFinding]:
    for name, width in WIDTHS.items():
        value = beyond.get(name, metadata.get(name))
        if isinstance(value, str) and len(value) > width:
            cut = len(str(metadata.get(name)))
            where = (
                f"of which the record has {cut}" if name in beyond else "the value stands whole under extra"
            )
            message = (
                f"{name} has {len(value)} characters and its column takes {width}: that stays empty, {where}"
            )
            found, wanted = f"{len(value)} characters", f"at most {width}"
            yield WarningFinding(code=_TOO_LONG, message=message, keyword=name, found=found, wanted=wanted)
