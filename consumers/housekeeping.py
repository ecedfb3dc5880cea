"""What policies want to go: originals, pictures and staged inputs that are old or too many, sources that are copied."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, TextClause, text

from consumers.asker import Asker
from consumers.homes import Homes
from consumers.sender import Outgoing, outgoing_request
from consumers.staged_inputs import Unstaging, unstagings_wanted
from events.file_removal import RemoveFile, What
from events.ids import derived_id
from events.op_staging import UnstageOp
from events.space_policy import Quota, SpacePolicy

__all__ = ["ACTOR", "Housekeeping", "Removal", "wanted_removals"]

log = logging.getLogger(__name__)

ACTOR = "housekeeping"
_AT_MOST = 500


class Removal(NamedTuple):
    """One removal that a policy wants: of which version, what, by which rule, and what was found."""

    file: str
    version: int
    what: What
    policy: str
    because: str


class Housekeeping(Asker):
    """Asks for what policies want to go. What may not go is refused, and asked again the next day."""

    def run_once(self) -> int:
        """Ask for all that is due by now; how many. Raises LogUnavailableError and the database's errors."""
        now, asked = self._clock(), list[Removal | Unstaging]()
        staged = Homes(self._engine).now().programs.staged
        with self._engine.connect() as connection:
            for row in connection.execute(_POLICIES).all():
                asked += wanted_removals(
                    connection, row.stream, SpacePolicy.model_validate(row.space), at=now
                )
            asked += unstagings_wanted(connection, staged, at=now, at_most=_AT_MOST)
        self._sender.send_all([self._request(each, now) for each in asked])
        if asked:
            log.info("removals asked for", extra={"removals": len(asked)})
        return len(asked)

    def _request(self, wanted: Removal | Unstaging, at: datetime) -> Outgoing:
        # The same for a whole day: what was refused is asked once more when things may have changed.
        why = {"policy": wanted.policy, "because": wanted.because}
        request: RemoveFile | UnstageOp
        if isinstance(wanted, Removal):
            cause = derived_id(f"{wanted.file}/{wanted.version}", f"remove {wanted.what} {at:%Y-%m-%d}")
            subject, version = wanted.file, wanted.version
            request = RemoveFile.read({"what": wanted.what, **why})
        else:
            cause = derived_id(f"{wanted.op}/{wanted.location}", f"unstage {at:%Y-%m-%d}")
            subject, version = wanted.op, None
            request = UnstageOp.read({"program": wanted.program, "location": wanted.location, **why})
        return outgoing_request(
            self._topics,
            request.name,
            subject,
            id=cause,
            actor=ACTOR,
            source=self._source,
            at=at,
            data=request.wire(),
            causationid=cause,
            version=version,
        )


def wanted_removals(
    connection: Connection, stream: str, policy: SpacePolicy, *, at: datetime, at_most: int = _AT_MOST
) -> Iterator[Removal]:
    """What this policy wants to go, the oldest first, each version once."""
    about = _About(connection, stream, at, at_most)
    yield from _beyond(about, "quarantine", policy.quarantine)
    yield from _beyond(about, "preview", policy.previews)
    if policy.sources == "remove_when_complete":
        before = at - timedelta(days=policy.sources_after_days)
        for row in about.rows(_DONE_SOURCES, before=before):
            because = (
                f"COMPLETE since {row.since_at:%Y-%m-%d %H:%M:%S}, kept {policy.sources_after_days:g} days"
            )
            yield Removal(row.file, row.version, "source", "remove_when_complete", because)


class _About(NamedTuple):
    """Of which stream, at what time, and where that stands."""

    connection: Connection
    stream: str
    at: datetime
    at_most: int

    def rows(self, query: TextClause, **values: Any) -> Sequence[Any]:
        return self.connection.execute(
            query, {"stream": self.stream, "at_most": self.at_most, **values}
        ).all()


def _beyond(about: _About, what: What, quota: Quota) -> Iterator[Removal]:
    """What is too old, and what is too much, of one kind."""
    seen: set[tuple[str, int]] = set()
    kept, done = _KEPT[what]
    if quota.max_age_days is not None:
        for row in about.rows(_old(kept), before=about.at - timedelta(days=quota.max_age_days)):
            seen.add((row.file, row.version))
            days = (about.at - row.since_at).total_seconds() / 86400
            because = f"{done} {days:.1f} days ago, kept {quota.max_age_days:g}"
            yield Removal(row.file, row.version, what, f"{what}-age", because)
    if quota.max_bytes is None:
        return
    left = int(quota.max_bytes * quota.down_to)
    for row in about.rows(_too_many(kept), max_bytes=quota.max_bytes, left=left):
        if (row.file, row.version) not in seen:
            because = f"{row.newer_bytes} bytes are {done} up to this one, kept {left}"
            yield Removal(row.file, row.version, what, f"{what}-quota", because)


# The newest configuration of each stream.
_POLICIES = text("""
    SELECT stream, configuration -> 'space' AS space FROM (
        SELECT DISTINCT ON (stream) stream, configuration FROM work.stream_configuration
        ORDER BY stream, configuration_version DESC
    ) AS newest WHERE configuration -> 'space' IS NOT NULL ORDER BY stream
""")

# What lies there of a stream: each with since when and how large. Names of one stream are next to one another.
_KEPT: dict[What, tuple[str, str]] = {
    "quarantine": (
        """SELECT file, version, since_at, coalesce(size_bytes, 0) AS bytes FROM projection.file_version
           WHERE stream = :stream AND quarantine_key IS NOT NULL AND state IN ('INVALID', 'ERROR', 'DISMISSED')""",
        "put aside",
    ),
    "preview": (
        """SELECT file, version, made_at AS since_at, coalesce(size_bytes, 0) AS bytes FROM projection.preview
           WHERE file >= :stream || '/' AND file < :stream || '0' AND object_key IS NOT NULL""",
        "made",
    ),
}


def _old(kept: str) -> TextClause:
    query = f"SELECT file, version, since_at FROM ({kept}) AS kept WHERE since_at < :before"  # noqa: S608 - our own
    return text(f"{query} ORDER BY since_at, file, version LIMIT :at_most")


def _too_many(kept: str) -> TextClause:
    """Nothing while all of it is within ``max_bytes``; else what is beyond ``left``, the newest kept."""
    return text(f"""
        SELECT file, version, newer_bytes FROM (
            SELECT file, version, since_at, sum(bytes) OVER () AS all_bytes,
                   sum(bytes) OVER (ORDER BY since_at DESC, file, version) AS newer_bytes
            FROM ({kept}) AS kept
        ) AS summed WHERE all_bytes > :max_bytes AND newer_bytes > :left ORDER BY since_at, file, version LIMIT :at_most
    """)  # noqa: S608 - our own words


_DONE_SOURCES = text("""
    SELECT file, version, since_at FROM projection.file_version
    WHERE stream = :stream AND state = 'COMPLETE' AND source_removed_at IS NULL AND since_at < :before
        AND uri IS NOT NULL
    ORDER BY since_at LIMIT :at_most
""")
