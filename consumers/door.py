"""Writes what becomes of messages at the door: none is let go before it is a request, an answer or a dead letter."""

import contextlib
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from consumers.answer import Answer
from consumers.dead_record import dead_letter, origin_of
from consumers.intake import Refused, Taken, event_id_of, sender_of
from events import failpoints
from events.log import Headers, LogError, LogUnavailableError, Message, Sent, Writer
from events.topics import Topics
from projectors.stream_rules import RulesUnavailableError, StreamRule

__all__ = ["Door", "Rules", "TakeFunction"]

log = logging.getLogger(__name__)

TakeFunction = Callable[[Message, Mapping[str, StreamRule], datetime], Taken | Refused]
_FLUSH_S = 30.0
_SMALL_BYTES = 64 * 1024
# Refusals that newer rules may lift: a stream or a sender that was added a moment ago.
_WORTH_A_REFRESH = {"UNKNOWN_STREAM", "NOT_ALLOWED", "OUTSIDE_ROOTS"}


class Rules(Protocol):
    """The streams' rules, as last read and as they stand now; both raise RulesUnavailableError."""

    def current(self) -> Mapping[str, StreamRule]:
        """As last read."""

    def refresh(self) -> Mapping[str, StreamRule]:
        """As they stand now."""


class _Out(NamedTuple):
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Door:
    """Takes batches of messages. Used by one thread at a time."""

    def __init__(
        self,
        *,
        writer: Writer,
        topics: Topics,
        rules: Rules,
        take: TakeFunction,
        clock: Callable[[], datetime],
    ) -> None:
        self._writer = writer
        self._topics = topics
        self._rules = rules
        self._take = take
        self._clock = clock

    def handle(self, messages: Sequence[Message]) -> None:
        """Write what becomes of each, in order, and wait until the log has acknowledged all of it.

        Raises LogUnavailableError or RulesUnavailableError: nothing is let go then, and handling the same messages
        again asks for the same requests by the same ids. Nothing else is raised; what goes wrong is a dead letter.
        """
        refreshed: list[Mapping[str, StreamRule]] = []
        sent = [
            (message, out, self._send(out)) for message in messages for out in self._outs(message, refreshed)
        ]
        failpoints.reach("intake.before_produce")
        with contextlib.suppress(_NotThisOne):  # which one it was, its own promise says below
            self._flush()
        for message, out, promise in sent:
            try:
                promise.result(_FLUSH_S)
            except LogUnavailableError:
                raise
            except LogError as error:
                self._bury(message, out, error)
        failpoints.reach("intake.after_produce")

    def _send(self, out: _Out) -> Sent:
        try:
            return self._writer.send(out.topic, key=out.key, value=out.value, headers=out.headers)
        except LogUnavailableError:
            raise
        except LogError as error:
            return _Failed(error)

    def _flush(self) -> None:
        try:
            self._writer.flush(_FLUSH_S)
        except LogUnavailableError:
            raise
        except LogError as error:
            raise _NotThisOne from error

    def _outs(self, message: Message, refreshed: list[Mapping[str, StreamRule]]) -> Iterator[_Out]:
        at = self._clock()
        try:
            outcome = self._take(message, refreshed[0] if refreshed else self._rules.current(), at)
            if not refreshed and _codes(outcome) & _WORTH_A_REFRESH:
                # Once a batch, so that a flood of strangers asks the database once.
                refreshed.append(self._rules.refresh())
                outcome = self._take(message, refreshed[0], at)
            outs = list(self._written(message, outcome, at))
        except RulesUnavailableError:
            raise
        except Exception:
            # Whatever it is, it may cost this message its place in the stream, but not the stream.
            log.exception("message not taken", extra=_where(message))
            outs = list(self._failed(message, traceback.format_exc(), at))
        yield from outs

    def _written(self, message: Message, outcome: Taken | Refused, at: datetime) -> Iterator[_Out]:
        refused = (outcome,) if isinstance(outcome, Refused) else outcome.refused
        for asked in () if isinstance(outcome, Refused) else outcome.asked:
            yield _Out(self._topics.requests(asked.machine), asked.subject.encode(), asked.value)
        for each in refused:
            log.warning(
                "message refused", extra={**_where(message), "code": each.code, "reasons": each.reasons}
            )
            yield self._answer(message, each, at)
        kept = [each for each in refused if each.is_kept]
        if kept:
            reason = "; ".join(dict.fromkeys(reason for each in kept for reason in each.reasons))
            yield self._dead(message, code=kept[0].code, reason=reason, at=at)

    def _failed(self, message: Message, trace: str, at: datetime) -> Iterator[_Out]:
        reason = f"intake could not handle it, which is a fault of ours: {trace.strip().splitlines()[-1]}"
        refused = Refused(sender_of(message.topic), event_id_of(message), "INTAKE_FAILED", (reason[:2000],))
        yield self._dead(message, code="INTAKE_FAILED", reason=reason, at=at, trace=trace)
        yield self._answer(message, refused, at)

    def _answer(self, message: Message, refused: Refused, at: datetime) -> _Out:
        answer = Answer(
            accepted=False,
            event_id=refused.event_id,
            at=at,
            code=refused.code,
            reasons=refused.reasons,
            origin=origin_of(message),
        )
        return _Out(self._topics.answers(sender_of(message.topic)), answer.key, answer.encode())

    def _dead(
        self, message: Message, *, code: str, reason: str, at: datetime, trace: str | None = None
    ) -> _Out:
        sender = sender_of(message.topic)
        key, value, headers = dead_letter(
            message, sender=sender, code=code, reason=reason, at=at, traceback=trace
        )
        return _Out(self._topics.deadletter, key, value, headers)

    def _bury(self, message: Message, out: _Out, error: LogError) -> None:
        """The log is there and won't have this record. A large one is kept small; the rest is waited out."""
        log.error(
            "record not taken by the log", extra={**_where(message), "to": out.topic, "error": str(error)}
        )
        if out.topic == self._topics.answers(sender_of(message.topic)):
            return  # the request or dead letter is what counts
        if out.topic != self._topics.deadletter or len(out.value or b"") <= _SMALL_BYTES:
            raise LogUnavailableError(f"{out.topic} takes no records: {error}") from error
        kept = f"the first {_SMALL_BYTES} bytes are kept: {error}".encode()
        headers = tuple(each for each in out.headers if not each[0].startswith("original-"))
        sent = self._writer.send(
            out.topic, key=out.key, value=(out.value or b"")[:_SMALL_BYTES], headers=(*headers, ("cut", kept))
        )
        self._flush()
        sent.result(_FLUSH_S)


class _NotThisOne(Exception):  # noqa: N818 - a sign between two lines above
    """Some record was refused by the log."""


class _Failed:
    """The promise of a record that the log refused at once."""

    def __init__(self, error: LogError) -> None:
        self._error = error

    def result(self, timeout_s: float) -> tuple[int, int]:  # noqa: ARG002 - there is nothing to wait for
        """Raises what was refused."""
        raise self._error


def _codes(outcome: Taken | Refused) -> set[str]:
    refused = (outcome,) if isinstance(outcome, Refused) else outcome.refused
    return {each.code for each in refused}


def _where(message: Message) -> dict[str, object]:
    return {
        "position": origin_of(message),
        "sender": sender_of(message.topic),
        "event_id": event_id_of(message),
    }
