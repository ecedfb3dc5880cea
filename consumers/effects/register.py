"""Register: the rows of many versions at once, and a report for each."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

from consumers.breakers import REGISTER
from consumers.claims import WorkItem
from consumers.effects.asking import Ask, report
from consumers.effects.ingest import brief_of, configuration_for
from consumers.failures import Failed, Wait
from consumers.outage import OUTAGES, in_words
from consumers.register import Entry, Register, UnknownRegisterError
from consumers.tools import Tools
from events.file_requests import ReportFileRegistered

__all__ = ["register"]


def register(
    items: Sequence[WorkItem], tools: Tools, registers: Register
) -> Iterator[tuple[WorkItem, Ask | Exception]]:
    """Each item with its report, or with why there is none."""
    by_table: dict[str, list[tuple[WorkItem, Entry]]] = defaultdict(list)
    for item in items:
        try:
            table = configuration_for(item, tools).register_table
            by_table[table].append((item, _entry(item)))
        except (Wait, Failed) as error:
            yield item, error
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            yield item, Failed("EFFECT_BUG", "code", f"register raised {type(error).__name__}: {error}")
    for table, wanted in by_table.items():
        yield from _entered(table, wanted, registers)


def _entered(
    table: str, wanted: Sequence[tuple[WorkItem, Entry]], registers: Register
) -> Iterator[tuple[WorkItem, Ask | Exception]]:
    try:
        rows = registers.enter(table, [entry for _, entry in wanted])
    except UnknownRegisterError as error:
        for item, _ in wanted:
            yield item, Failed("REGISTER_UNKNOWN", "data", str(error))
        return
    except OUTAGES as error:
        away = Wait(REGISTER, "REGISTER_UNAVAILABLE", f"register {table}: {in_words(error)}")
        for item, _ in wanted:
            yield item, away
        return
    except DBAPIError as error:
        yield from _one_by_one(table, wanted, registers, error)
        return
    for item, entry in wanted:
        row_id = rows[entry.subject, entry.version]
        yield item, report(item, ReportFileRegistered(register_table=table, row_id=row_id))


def _one_by_one(
    table: str, wanted: Sequence[tuple[WorkItem, Entry]], registers: Register, error: DBAPIError
) -> Iterator[tuple[WorkItem, Ask | Exception]]:
    """The register refuses a row among these: it must not stop the others."""
    if len(wanted) > 1:
        for each in wanted:
            yield from _entered(table, [each], registers)
        return
    message = (
        f"register {table} refuses the row: {in_words(error)}; mend the register or the file, then retry"
    )
    yield wanted[0][0], Failed("REGISTER_REFUSED", "data", message)


def _entry(item: WorkItem) -> Entry:
    brief = brief_of(item)
    if brief.object is None:
        raise Failed("NOTHING_TRANSFERRED", "code", "the version has no object in the archive; reprocess it")
    return Entry(
        subject=item.subject,
        version=item.version or 1,
        stream=item.stream,
        bucket=brief.object.bucket,
        key=brief.object.key,
        size_bytes=brief.object.size_bytes,
        sha256=brief.object.sha256,
        registered_by_event=item.event_id,
        archive_identity=brief.identity.archive_identity if brief.identity else None,
        instrument=brief.instrument,
        obs_start_utc=_utc(brief.obs_start_utc),
    )


def _utc(text: str | None) -> str | None:
    """The time as PostgreSQL takes it; None where the file's text is none."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
