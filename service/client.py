"""Meridian from Python: ask and get the answer, publish, look things up. The command line is built on it."""

import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from consumers.deadletter import DeadLetters
from consumers.formats import FORMATS
from events import failpoints
from events.base import machine_of
from events.envelope import encode_request
from events.log import Headers, Log, LogError, Writer
from projectors.close_names import close_names
from projectors.file_filter import Filter
from projectors.file_list import find_files
from projectors.file_search import named, sidecars_of
from projectors.file_story import gather
from projectors.manifest_entry import entry_of
from projectors.outcome import Outcome, Outcomes
from projectors.stream_rules import read_rules
from service.decider.halts import StoreUnavailableError
from service.installation import check_site
from service.pace import paced
from service.unknown import Unknown, mentions, streams_for
from service.why import Story, Why, why
from service.wiring import Wiring

__all__ = ["ANSWER_WITHIN_S", "Ask", "Asked", "Client", "NotReadyError"]

ANSWER_WITHIN_S = 10.0
"""How long a request waits for its outcome before it is said to be in doubt."""

_SEND_WITHIN_S = 10.0
_LOOKED_UP_AT_ONCE = 1000
_DECIDED_A_SECOND = 500
"""By a busy machine; many requests wait so much longer for the last one."""


class NotReadyError(Exception):
    """The site is not there yet, or is another one; the message says what would help."""


def new_id() -> str:
    """An id for a request that nobody else has."""
    return str(uuid.uuid4())


class Asking(Protocol):
    """A request, or what will stand for one on the wire."""

    @property
    def name(self) -> str:
        """On the wire."""

    def wire(self) -> dict[str, Any]:
        """The payload as it stands in JSON."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request about one subject; the same ``request_id`` asked again gets the outcome it had."""

    subject: str
    request: Asking
    version: int | None = None
    attempt: int | None = None
    expected_sequence: int | None = None
    request_id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and what became of it; ``outcome`` None: in doubt, ask again under the same id.

    ``cause``: which server went away while it was sent or waited for.
    """

    ask: Ask
    batch: str
    outcome: Outcome | None
    cause: str | None = None

    @property
    def is_accepted(self) -> bool:
        """It led to a fact."""
        return self.outcome is not None and self.outcome.accepted


class Client:
    """Connects when first used. ``actor`` and ``reason`` stand in every request."""

    def __init__(
        self, wiring: Wiring, *, actor: str, reason: str | None = None, source: str = "meridian"
    ) -> None:
        self.wiring = wiring
        self.actor = actor
        self.reason = reason
        self._source = source
        self._writer: Writer | None = None

    @classmethod
    def connect(cls, *, actor: str, reason: str | None = None, config: Path | None = None) -> Self:
        """For scripts: by the settings of the environment, of ``config``, or the local stack."""
        from service.settings import load

        return cls(Wiring.of(load(config), program="client"), actor=actor, reason=reason)

    @cached_property
    def engine(self) -> Engine:
        """The database. Raises WrongSiteError where it belongs to another site: its views would be that one's."""
        engine = self.wiring.engine(statement_timeout_s=30.0)
        check_site(engine, self.wiring.settings.site)
        return engine

    @cached_property
    def log(self) -> Log:
        """Kafka."""
        return self.wiring.log()

    @cached_property
    def outcomes(self) -> Outcomes:
        """What became of requests."""
        return Outcomes(self.engine, site=self.wiring.settings.site)

    def ask(
        self,
        asks: Sequence[Ask],
        *,
        batch: str | None = None,
        timeout_s: float = ANSWER_WITHIN_S,
        rate: float | None = None,
    ) -> list[Asked]:
        """Send requests, ``rate`` a second, and wait for what becomes of them.

        ``batch`` names them together (their correlation id). A server that is away beforehand is an error, and nothing
        was sent; one that goes away later leaves all of them in doubt.
        """
        batch = batch or new_id()
        self._check_answers()
        writer = self._ready_for(asks)
        try:
            self._hand_over(writer, asks, batch, rate)
            return self.answers(asks, batch=batch, timeout_s=timeout_s)
        except (LogError, SQLAlchemyError, StoreUnavailableError) as error:
            cause = " ".join(str(getattr(error, "orig", None) or error).split())
            return [Asked(ask, batch, None, cause) for ask in asks]

    def send(self, asks: Sequence[Ask], *, batch: str, rate: float | None = None) -> None:
        """Send requests and wait for nothing but the log."""
        self._hand_over(self._ready_for(asks), asks, batch, rate)

    def _ready_for(self, asks: Sequence[Ask]) -> Writer:
        self._check_topics({machine_of(ask.request.name) for ask in asks})
        return self._opened()

    def _hand_over(self, writer: Writer, asks: Sequence[Ask], batch: str, rate: float | None) -> None:
        failpoints.reach("client.before_produce")
        if rate is None:
            for topic, records in self._by_topic(asks, batch).items():
                writer.send_all(topic, records)
        for ask in paced(asks, rate) if rate is not None else ():
            writer.send(self._topic(ask), key=ask.subject.encode(), value=self._encoded(ask, batch))
        writer.flush(_SEND_WITHIN_S)
        failpoints.reach("client.after_produce")

    def _by_topic(self, asks: Sequence[Ask], batch: str) -> dict[str, list[tuple[bytes, bytes]]]:
        of: dict[str, list[tuple[bytes, bytes]]] = defaultdict(list)
        for ask in asks:
            of[self._topic(ask)].append((ask.subject.encode(), self._encoded(ask, batch)))
        return of

    def _topic(self, ask: Ask) -> str:
        return self.wiring.topics.requests(machine_of(ask.request.name))

    def answers(self, asks: Sequence[Ask], *, batch: str, timeout_s: float = ANSWER_WITHIN_S) -> list[Asked]:
        """Wait for what becomes of requests that were sent."""
        until = time.monotonic() + timeout_s + len(asks) / _DECIDED_A_SECOND
        found: dict[str, Outcome] = {}
        for begin in range(0, len(asks), _LOOKED_UP_AT_ONCE):
            some = [(ask.subject, ask.request_id) for ask in asks[begin : begin + _LOOKED_UP_AT_ONCE]]
            found |= self.outcomes.wait(some, timeout_s=max(0.0, until - time.monotonic()))
        return [Asked(ask, batch, found.get(ask.request_id)) for ask in asks]

    def _check_answers(self) -> None:
        """That the database is there and this site's, for there the answers are read."""
        with self.engine.connect():
            return

    def _check_topics(self, machines: set[str]) -> None:
        """A topic that is missing would be waited for; the decider makes it."""
        wanted = [self.wiring.topics.requests(machine) for machine in sorted(machines)]
        missing = [name for name in wanted if name not in self.log.partitions(wanted)]
        if missing:
            raise NotReadyError(
                f"found no topic {', '.join(missing)}; a decider makes it: start one with meridian up, or check the "
                f"site's name, {self.wiring.settings.site}"
            )

    def _encoded(self, ask: Ask, batch: str) -> bytes:
        return encode_request(
            id=ask.request_id,
            type=ask.request.name,
            subject=ask.subject,
            actor=self.actor,
            source=self._source,
            at=datetime.now(UTC),
            data=ask.request.wire(),
            reason=self.reason,
            correlationid=batch,
            expectedsequence=ask.expected_sequence,
            version=ask.version,
            attempt=ask.attempt,
        )

    def publish(
        self, sender: str, messages: Iterable[tuple[bytes | None, bytes, Headers]]
    ) -> list[tuple[int, int]]:
        """Leave messages (key, value, headers) in a sender's inbox; partition and offset of each."""
        topic = self.wiring.topics.inbox(sender)
        writer = self._opened()
        sent = [writer.send(topic, key=key, value=value, headers=headers) for key, value, headers in messages]
        writer.flush(_SEND_WITHIN_S)
        return [each.result(_SEND_WITHIN_S) for each in sent]

    def why(self, subject: str) -> Why | Unknown:
        """Why a file stands where it stands, or what is to be said of a name that nobody knows."""
        with self.engine.connect() as connection:
            found = [str(row["file"]) for row in named(connection, [subject])]
            meant = found[0] if len(found) == 1 else subject
            members = gather(connection, meant)
            if members is not None:
                return why(Story(**members))
            close = tuple(close_names(connection, subject))
            sidecars = tuple(sidecars_of(connection, subject))
            entry = entry_of(connection, subject)
            rules = read_rules(connection)
        configurations = {name: rule.configuration for name, rule in rules.items()}
        extensions = {name: each.extensions for name, each in FORMATS.items()}
        streams = streams_for(subject, configurations, extensions)
        return Unknown(
            subject=subject,
            close=close,
            mentions=mentions(DeadLetters(self.log, self.wiring.topics), subject),
            streams=streams,
            senders=tuple(sorted({sender for each in streams for sender in rules[each].senders})),
            known_streams=tuple(sorted(rules)),
            sidecars=sidecars,
            entry=entry,
        )

    def files(self, wanted: Filter | None = None, *, limit: int | None = None) -> list[dict[str, Any]]:
        """Rows of ``v1.file``."""
        with self.engine.connect() as connection:
            return find_files(connection, wanted or Filter(), limit=limit)

    def senders(self) -> list[str]:
        """The senders that have an inbox."""
        prefix = self.wiring.topics.inbox_prefix
        return sorted(name.removeprefix(prefix) for name in self.log.names() if name.startswith(prefix))

    def close(self) -> None:
        """Let go of what was opened."""
        if self._writer is not None:
            self._writer.close()
        if "log" in self.__dict__:
            self.log.close()
        if "engine" in self.__dict__:
            self.engine.dispose()

    def _opened(self) -> Writer:
        if self._writer is None:
            self._writer = self.log.writer()
        return self._writer
