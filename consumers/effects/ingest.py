"""Ingest: begin, look into the file in a child, reserve its identity, and report what was found."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from consumers.checks.rules import judging_of
from consumers.child import ChildResult
from consumers.claims import WorkItem
from consumers.effects.asking import Asks, report, request_for
from consumers.effects.describing import described, embargo
from consumers.effects.fitting import fitted
from consumers.effects.identity import reserve
from consumers.effects.log_keeping import with_log_kept
from consumers.effects.long_values import kept_whole, saying_where
from consumers.effects.pictures import wants_preview
from consumers.effects.quarantine import put_aside
from consumers.effects.same_content import look_for_twin
from consumers.failures import Failed, from_archive, from_reader
from consumers.formats import FORMATS, Expected
from consumers.formats.inspection import Inspection, members
from consumers.storage_errors import StorageError
from consumers.tools import Tools
from events.file import Brief, GroupPlace, IdentityHeld
from events.file_requests import RejectFile, ReportFileValidated, StartFile
from events.ids import derived_id
from events.stream import StreamConfiguration
from events.types import HeaderFix, QaFinding, Usage, WarningFinding
from machines.membership import RULES, membership

__all__ = ["brief_of", "configuration_for", "ingest", "name_of"]


def ingest(item: WorkItem, tools: Tools) -> Asks:
    """Read the file and report ``validated`` or ``reject``. Raises Wait, Failed and StorageError."""
    brief = brief_of(item)
    configuration = configuration_for(item, tools)
    yield from _start(item, tools)
    try:
        with tools.source(brief.content.uri, configuration) as path:
            yield from _look(item, tools, path, brief, configuration)
    except StorageError as error:
        if error.failure_class != "data":
            raise from_archive(error, item.stream) from error
        yield report(item, RejectFile(code=error.code, message=str(error)))


def brief_of(item: WorkItem) -> Brief:
    """What the fact says of the version."""
    return Brief.model_validate(item.payload["brief"])


def configuration_for(item: WorkItem, tools: Tools) -> StreamConfiguration:
    """The stream's configuration under which the version arrived, or the one a person wants it looked at with."""
    return tools.configurations.of(item.stream, _stream_version(item.payload["brief"]))


def _stream_version(brief: Mapping[str, Any]) -> int:
    return int(brief.get("overrides", {}).get("stream_version") or brief.get("stream_version", 1))


def _checks_version(brief: Brief, configuration: StreamConfiguration, tools: Tools) -> str:
    return f"{configuration.format_of(name_of(brief))}/{tools.software_version}"


def _start(item: WorkItem, tools: Tools) -> Asks:
    if not item.payload.get("start"):
        return
    start_id = derived_id(item.event_id, "start", item.try_number)
    # Whoever had the item before may have begun already; this worker's own name would make it another request.
    if item.is_taken_over and tools.outcomes.find([(item.subject, start_id)]):
        return
    request = StartFile(worker=tools.worker, host=tools.host, software_version=tools.software_version)
    yield request_for(item, request, id=start_id, may_wait=True)


def _look(item: WorkItem, tools: Tools, path: Path, brief: Brief, configuration: StreamConfiguration) -> Asks:
    result = _inspected(item, tools, path, brief, configuration)
    inspection = result.inspection
    usage = with_log_kept(Usage(host=tools.host, **members(result.usage)), item, tools, configuration)
    if inspection is None:
        raise from_reader(result.failure, usage)
    place = _place(inspection, brief, configuration)
    if inspection.verdict == "invalid":
        yield report(item, _rejection(item, tools, path, inspection, usage, configuration, place))
        return
    sha256 = str(inspection.sha256)
    twin = yield from look_for_twin(item, tools, brief, configuration, sha256=sha256)
    held = None
    if _has_identity(brief, configuration):
        wanted = brief.overrides.get("identity") or inspection.identity
        held = yield from reserve(item, tools, wanted, sha256=sha256, rule=configuration.identity or "")
    yield from embargo(item, inspection.metadata, brief, configuration, tools.clock())
    found = _validation(inspection, brief, configuration, held, usage, tools, place)
    stored = kept_whole(inspection, item, tools, configuration)
    warnings = (*twin, *saying_where(found.warnings, inspection, stored))
    if tools.kept is not None:
        tools.kept.keep(path, uri=brief.content.uri, sha256=sha256)
    yield report(item, fitted(found.model_copy(update={"warnings": warnings, "metadata_object": stored})))


def _place(inspection: Inspection, brief: Brief, configuration: StreamConfiguration) -> GroupPlace | None:
    """Where the file belongs, by its name and what is in it; of a file that is invalid, perhaps by its name alone."""
    if configuration.membership is None:
        return None
    try:
        found = membership(configuration.membership, name=name_of(brief), metadata=inspection.metadata)
    except KeyError as error:
        known = ", ".join(sorted(RULES))
        message = f"stream {configuration.stream}: found the membership rule {error}, wanted one of {known}"
        raise Failed("UNKNOWN_MEMBERSHIP_RULE", "code", message) from error
    return None if found is None else GroupPlace.model_validate(found._asdict())


def _inspected(
    item: WorkItem, tools: Tools, path: Path, brief: Brief, configuration: StreamConfiguration
) -> ChildResult:
    name = name_of(brief)
    wanted = configuration.format_of(name)
    if wanted not in tools.inspector.formats:
        known = ", ".join(tools.inspector.formats)
        message = f"format {wanted!r} of stream {configuration.stream}: this worker reads {known}"
        raise Failed("UNKNOWN_FORMAT", "code", message)
    expected = Expected(
        name=name,
        size_bytes=brief.content.size_bytes,
        sha256=brief.content.sha256,
        **_own(brief, configuration, tools),
        settings=configuration.settings,
        md5=_has_manifests(configuration),
    )
    # A child that met a bad file reads no other, so those of a stream with many of them share none.
    together = None if item.is_behind else configuration.stream
    return tools.inspector.inspect(path, wanted, expected, together=together, is_behind=item.is_behind)


def _has_manifests(configuration: StreamConfiguration) -> bool:
    """Whether lists of sums come with the stream's files: those of observatories have MD5."""
    formats = (configuration.format, *(each.value for each in configuration.formats))
    return any(FORMATS[each].role == "manifest" for each in formats if each in FORMATS)


def _own(brief: Brief, configuration: StreamConfiguration, tools: Tools) -> dict[str, Any]:
    """What the stream asks of files that stand for themselves, and not of their companions."""
    if brief.role != "primary":
        return {}
    return {
        "stream_checks": configuration.checks,
        "identity_rule": None if brief.overrides.get("identity") else configuration.identity,
        "judging": judging_of(configuration, purpose=brief.purpose, at=tools.clock()),
    }


def name_of(brief: Brief) -> str:
    """The file's name as announced: where the last step of the place is a link, it leads to one of another name."""
    return PurePosixPath(unquote(urlsplit(brief.content.uri).path)).name


def _has_identity(brief: Brief, configuration: StreamConfiguration) -> bool:
    """Whether the file has an archive identity of its own: companions go by that of their primary."""
    return configuration.identity is not None and brief.role == "primary"


def _rejection(
    item: WorkItem,
    tools: Tools,
    path: Path,
    inspection: Inspection,
    usage: Usage,
    configuration: StreamConfiguration,
    place: GroupPlace | None,
) -> RejectFile:
    original = put_aside(item, tools, path, inspection, configuration)
    return fitted(
        RejectFile(
            code=inspection.code or "UNREADABLE",
            message=inspection.message or "the checks give no reason",
            found=inspection.found,
            wanted=inspection.wanted,
            sha256=inspection.sha256,
            size_bytes=inspection.size_bytes,
            md5=inspection.md5,
            qa=_qa(inspection),
            warnings=_warnings(inspection),
            checks_version=_checks_version(brief_of(item), configuration, tools),
            stream_version=_stream_version(item.payload["brief"]),
            quarantine=original,
            membership=place,
            usage=usage,
        )
    )


def _validation(
    inspection: Inspection,
    brief: Brief,
    configuration: StreamConfiguration,
    held: IdentityHeld | None,
    usage: Usage,
    tools: Tools,
    place: GroupPlace | None,
) -> ReportFileValidated:
    more = described(inspection.metadata, brief, configuration, tools.lookups, inspection.beyond or {})
    if more.lookup_s is not None:
        waited = {"lookup_s": round(more.lookup_s, 6), "wall_s": round(usage.wall_s + more.lookup_s, 6)}
        usage = usage.model_copy(update=waited)
    media_type = FORMATS[configuration.format_of(name_of(brief))].media_type
    return ReportFileValidated(
        sha256=inspection.sha256 or "",
        size_bytes=inspection.size_bytes or 0,
        media_type=media_type,
        metadata=more.metadata,
        header_fixes=tuple(HeaderFix(**members(fix)) for fix in inspection.header_fixes),
        qa=_qa(inspection),
        warnings=more.beside(_warnings(inspection)),
        checks_version=_checks_version(brief, configuration, tools),
        stream_version=int(brief.overrides.get("stream_version") or brief.stream_version),
        identity_required=_has_identity(brief, configuration),
        identity=held,
        membership=place,
        md5=inspection.md5,
        sums=dict(inspection.sums) if brief.role == "manifest" and inspection.sums else None,
        preview=wants_preview(inspection.metadata, brief, configuration, media_type),
        usage=usage,
    )


def _qa(inspection: Inspection) -> tuple[QaFinding, ...]:
    # A critical check that had nothing to judge has not failed: it is kept as a record.
    return tuple(
        QaFinding(**{**members(each), "level": "record-only"})
        if each.level == "critical" and each.passed is None
        else QaFinding(**members(each))
        for each in inspection.qa
    )


def _warnings(inspection: Inspection) -> tuple[WarningFinding, ...]:
    return tuple(WarningFinding(**members(each)) for each in inspection.warnings)
