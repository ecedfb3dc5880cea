"""What streams' policies want to go: originals that are old or too many, sources whose copies are proven."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, text

from consumers.sender import Outgoing, Sender, outgoing_request
from events.file_removal import RemoveFile, What
from events.ids import derived_id
from events.space_policy import SpacePolicy
from events.topics import Topics

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


class Housekeeping:
    """Asks for what policies want to go. What may not go is refused, and asked again the next day."""

    def __init__(
        self, *, engine: Engine, sender: Sender, topics: Topics, clock: Callable[[], datetime], source: str
    ) -> None:
        self._engine = engine
        self._sender = sender
        self._topics = topics
        self._clock = clock
        self._source = source

    def run_once(self) -> int:
        """Ask for all that is due by now; how many. Raises LogUnavailableError and the database's errors."""
        now, asked = self._clock(), list[Removal]()
        with self._engine.connect() as connection:
            for row in connection.execute(_POLICIES).all():
                asked += wanted_removals(
                    connection, row.stream, SpacePolicy.model_validate(row.space), at=now
                )
        self._sender.send_all([self._request(each, now) for each in asked])
        if asked:
            log.info("removals asked for", extra={"removals": len(asked)})
        return len(asked)

    def _request(self, removal: Removal, at: datetime) -> Outgoing:
        # The same for a whole day: what was refused is asked once more when things may have changed.
        cause = derived_id(f"{removal.file}/{removal.version}", f"remove {removal.what} {at:%Y-%m-%d}")
        return outgoing_request(
            self._topics,
            RemoveFile.name,
            removal.file,
            id=cause,
            actor=ACTOR,
            source=self._source,
            at=at,
            data=RemoveFile(what=removal.what, policy=removal.policy, because=removal.because).wire(),
            causationid=cause,
            version=removal.version,
        )


def wanted_removals(
    connection: Connection, stream: str, policy: SpacePolicy, *, at: datetime, at_most: int = _AT_MOST
) -> Iterator[Removal]:
    """What this policy wants to go, the oldest first, each version once."""
    members: dict[str, Any] = {"stream": stream, "at_most": at_most}
    seen: set[tuple[str, int]] = set()
    kept_days = policy.quarantine.max_age_days
    if kept_days is not None:
        before = at - timedelta(days=kept_days)
        for row in connection.execute(_OLD_ORIGINALS, {**members, "before": before}).all():
            seen.add((row.file, row.version))
            days = (at - row.since_at).total_seconds() / 86400
            because = f"put aside {days:.1f} days ago, kept {kept_days:g}"
            yield Removal(row.file, row.version, "quarantine", "quarantine-age", because)
    most = policy.quarantine.max_bytes
    if most is not None:
        for row in connection.execute(_TOO_MANY_ORIGINALS, {**members, "max_bytes": most}).all():
            if (row.file, row.version) not in seen:
                because = f"{row.newer_bytes} bytes are put aside up to this one, kept {most}"
                yield Removal(row.file, row.version, "quarantine", "quarantine-quota", because)
    if policy.sources == "remove_when_complete":
        before = at - timedelta(days=policy.sources_after_days)
        for row in connection.execute(_DONE_SOURCES, {**members, "before": before}).all():
            because = (
                f"COMPLETE since {row.since_at:%Y-%m-%d %H:%M:%S}, kept {policy.sources_after_days:g} days"
            )
            yield Removal(row.file, row.version, "source", "remove_when_complete", because)


# The newest configuration of each stream.
_POLICIES = text("""
    SELECT stream, configuration -> 'space' AS space FROM (
        SELECT DISTINCT ON (stream) stream, configuration FROM work.stream_configuration
        ORDER BY stream, configuration_version DESC
    ) AS newest WHERE configuration -> 'space' IS NOT NULL ORDER BY stream
""")

_SET_ASIDE = "stream = :stream AND quarantine_key IS NOT NULL AND state IN ('INVALID', 'ERROR', 'DISMISSED')"

_OLD_ORIGINALS = text(f"""
    SELECT file, version, since_at FROM projection.file_version
    WHERE {_SET_ASIDE} AND since_at < :before ORDER BY since_at LIMIT :at_most
""")  # noqa: S608 - our own words

_TOO_MANY_ORIGINALS = text(f"""
    SELECT file, version, newer_bytes FROM (
        SELECT file, version, since_at,
               sum(coalesce(size_bytes, 0)) OVER (ORDER BY since_at DESC, file, version) AS newer_bytes
        FROM projection.file_version WHERE {_SET_ASIDE}
    ) AS aside WHERE newer_bytes > :max_bytes ORDER BY since_at LIMIT :at_most
""")  # noqa: S608 - our own words

_DONE_SOURCES = text("""
    SELECT file, version, since_at FROM projection.file_version
    WHERE stream = :stream AND state = 'COMPLETE' AND source_removed_at IS NULL AND since_at < :before
        AND uri IS NOT NULL
    ORDER BY since_at LIMIT :at_most
""")
