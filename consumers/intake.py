"""What becomes of one message at the door: requests, or a refusal with its reasons. Nothing is written or read here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from pydantic import ValidationError

from consumers.announced import Place
from consumers.answer import cause_of
from consumers.arrival import arrive, rule_for, rule_of_place
from consumers.dataset_news import changed, home_of
from consumers.dead_record import origin_of
from consumers.expectation import expect, ready
from consumers.foreign import Foreign, Inventory, NotTaken, S3Change, recognise
from consumers.header_names import readable_name, unreadable
from consumers.objections import Objection
from events.base import Payload, Request
from events.cloudevents import EVENT_BYTES_AT_MOST, InboxEvent, read_event
from events.envelope import UndecodableError, encode_request, readable
from events.ids import derived_id
from events.inbox import (
    INBOX,
    InboxDatasetChanged,
    InboxFileArrived,
    InboxFilesExpected,
    InboxInstrumentOffline,
    InboxInstrumentOnline,
    InboxOpReady,
)
from events.log import Message
from events.stream import OfflineStream, StandbyStream
from projectors.stream_rules import StreamRule

__all__ = ["Asked", "Refused", "Taken", "event_id_of", "payload_of", "sender_of", "take"]

_ID_CHARS = 200
_VERSION = re.compile(r"(?:^|[/.:-])v?(\d{1,9})$")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that follows from a message, as it goes to ``<machine>.requests`` with the subject as key."""

    machine: str
    subject: str
    request_id: str
    event_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A message, or one record in it, that is not taken. ``is_kept``: its bytes go to ``deadletter``."""

    sender: str
    event_id: str | None
    code: str
    reasons: tuple[str, ...]
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that was understood; of a notification with many records some may have been refused."""

    sender: str
    asked: tuple[Asked, ...]
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class _Letter:
    """Who says it, where it stands, when it is taken."""

    sender: str
    witness: str
    at: datetime

    def ask(self, request: Request, *, subject: str, event_id: str, reason: str | None = None) -> Asked:
        """The request in its envelope; its id follows from the sender's, so sending again asks nothing new."""
        cause = cause_of(self.sender, event_id)
        request_id = derived_id(cause, "arrive", 1)
        value = encode_request(
            id=request_id,
            type=request.name,
            subject=subject,
            actor=self.sender,
            source="intake",
            at=self.at,
            data=request.wire(),
            causationid=cause,
            correlationid=event_id,
            reason=reason,
        )
        return Asked(request.name.partition(".")[0], subject, request_id, event_id, value)


def take(message: Message, rules: Mapping[str, StreamRule], at: datetime) -> Taken | Refused:
    """What a message at the door asks for, by the rules in force. The topic is the proof of the sender."""
    letter = _Letter(sender_of(message.topic), origin_of(message), at)
    try:
        _check_size(message)
        _check_header_names(message)
        foreign = _foreign(message)
        if foreign is not None:
            return _take_each(letter, foreign, rules)
        event = read_event(message.value, message.headers)
        return Taken(letter.sender, (_take_event(letter, event, rules),))
    except Objection as objection:
        return Refused(letter.sender, event_id_of(message), objection.code, objection.reasons)
    except UndecodableError as error:
        return Refused(letter.sender, event_id_of(message), "NOT_AN_EVENT", (str(error),))


def sender_of(topic: str) -> str:
    """The sender whose inbox a topic is: what follows ``.inbox.`` in its name."""
    return topic.partition(".inbox.")[2] or topic


def event_id_of(message: Message) -> str | None:
    """The sender's event id of a message that may be no event at all; None if there is none to be read."""
    told: object = _told(message).get("ce_id")
    if told is None:
        document = _json(message.value)
        told = document.get("id") if isinstance(document, dict) else None
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
    return text if isinstance(text, str) and 0 < len(text) <= _ID_CHARS and text.isprintable() else None


def _foreign(message: Message) -> Foreign | None:
    """What the message holds if it is of a known foreign shape; None for what is, or should be, a CloudEvent."""
    told = _told(message)
    stated = told.get("content-type", b"").lower()
    if stated.startswith(b"application/cloudevents") or any(name.startswith("ce_") for name in told):
        return None
    document = _json(message.value)
    return None if isinstance(document, dict) and "specversion" in document else recognise(document)


def _told(message: Message) -> dict[str, bytes]:
    return {name.lower(): value for name, value in message.headers}


def _check_header_names(message: Message) -> None:
    wrong = unreadable(message.headers)
    if wrong:
        names = ", ".join(readable_name(name[:100]) for name in wrong[:3])
        raise Objection(
            "HEADER_NOT_TEXT",
            f"message: found a header whose name is no UTF-8 text ({names}), wanted names such as ce_id; leave it out",
        )


def _check_size(message: Message) -> None:
    size = len(message.value or b"")
    if size > EVENT_BYTES_AT_MOST:
        raise Objection(
            "TOO_LARGE",
            f"message: found {size} bytes, wanted at most {EVENT_BYTES_AT_MOST}; put bulk data in S3",
        )


def _json(value: bytes | None) -> object:
    try:
        return orjson.loads(value or b"") if len(value or b"") <= EVENT_BYTES_AT_MOST else None
    except orjson.JSONDecodeError:
        return None


# --- events of our own vocabulary


def _take_event(letter: _Letter, event: InboxEvent, rules: Mapping[str, StreamRule]) -> Asked:
    _check_source(letter, event)
    payload = payload_of(event)
    rule = rule_for(str(getattr(payload, "stream", "")), letter.sender, rules)
    subject, request, reason = _request_of(payload, rule, letter, sent_at=event.time or letter.at)
    return letter.ask(request, subject=subject, event_id=event.id, reason=reason)


def _request_of(
    payload: Payload, rule: StreamRule, letter: _Letter, *, sent_at: datetime
) -> tuple[str, Request, str | None]:
    """Whom to ask for what, and why if it has to be said; raises ``Objection``."""
    if isinstance(payload, InboxFileArrived):
        subject, request = arrive(
            Place.of_uri(payload.uri),
            rule,
            content={name: getattr(payload, name) for name in ("size_bytes", "sha256", "modified_at")},
            witness=letter.witness,
            catch_up=payload.catch_up,
            at=letter.at,
        )
        return subject, request, None
    if isinstance(payload, InboxInstrumentOffline):
        return rule.stream, OfflineStream(until=payload.until), "the instrument says it is off"
    if isinstance(payload, InboxInstrumentOnline):
        return rule.stream, StandbyStream(), "the instrument says it is back"
    if isinstance(payload, InboxDatasetChanged):
        subject, news = changed(payload.record, rule, sender=letter.sender, is_gone=payload.gone)
        return subject, news, None
    if isinstance(payload, InboxOpReady):
        return payload.op, ready(payload, rule), None
    if isinstance(payload, InboxFilesExpected):
        expected = expect(payload, rule, witness=letter.witness, at=sent_at)
        return f"{rule.stream}/{payload.group}", expected, None
    raise Objection("UNKNOWN_TYPE", f"type {payload.name!r}: known, but intake has no rule for it")


def _check_source(letter: _Letter, event: InboxEvent) -> None:
    if event.source != letter.sender and not event.source.startswith(f"{letter.sender}/"):
        raise Objection(
            "WRONG_SENDER",
            f"source: found {event.source[:200]!r} in the inbox of {letter.sender!r}, wanted {letter.sender!r} "
            f"or a path below it; a sender writes to its own inbox only",
        )


def payload_of(event: InboxEvent) -> Payload:
    """What an event says, by its type's own class; raises ``Objection``."""
    if len(event.id) > _ID_CHARS or not event.id.isprintable():
        raise Objection(
            "BAD_ID", f"id: found {event.id[:40]!r}…, wanted at most {_ID_CHARS} printable characters"
        )
    cls = INBOX.get(event.type)
    if cls is None:
        raise Objection(
            "UNKNOWN_TYPE", f"type: found {event.type[:200]!r}, wanted one of {', '.join(sorted(INBOX))}"
        )
    stated = _VERSION.search(event.dataschema or "")
    if stated and int(stated[1]) > cls.version:
        raise Objection(
            "UNKNOWN_VERSION",
            f"dataschema: found {event.dataschema!r}, wanted {cls.schema_id()} or older; "
            "redrive this message once Meridian knows that version",
        )
    try:
        payload = cls.read(event.data)
    except ValidationError as error:
        raise Objection("SCHEMA_VIOLATION", f"data of {event.type}: {readable(error)}") from error
    return payload


# --- other people's shapes


def _take_each(letter: _Letter, foreign: Foreign, rules: Mapping[str, StreamRule]) -> Taken | Refused:
    asked: list[Asked] = []
    refused: list[Refused] = []
    for each in foreign:
        outcome = _take_foreign(letter, each, rules)
        (asked if isinstance(outcome, Asked) else refused).append(outcome)  # type: ignore[arg-type]
    if not asked and len(refused) == 1:
        return refused[0]
    return Taken(letter.sender, tuple(asked), tuple(refused))


def _take_foreign(
    letter: _Letter, each: Inventory | S3Change | NotTaken | str, rules: Mapping[str, StreamRule]
) -> Asked | Refused:
    if isinstance(each, str):
        return Refused(letter.sender, None, "SCHEMA_VIOLATION", (each,))
    if isinstance(each, NotTaken):
        reason = f"{each.kind}: known, not yet taken by any stream"
        return Refused(letter.sender, each.event_id, "NOT_TAKEN", (reason,), is_kept=False)
    if isinstance(each, Inventory):
        return _take_inventory(letter, each, rules)
    if not each.is_creation:
        reason = f"S3 {each.event_name} of {each.bucket}/{each.key}: known, not taken; only ObjectCreated is"
        return Refused(letter.sender, each.event_id, "NOT_TAKEN", (reason,), is_kept=False)
    try:
        return _take_object(letter, each, rules)
    except Objection as objection:
        return Refused(letter.sender, each.event_id, objection.code, objection.reasons)


def _take_inventory(letter: _Letter, each: Inventory, rules: Mapping[str, StreamRule]) -> Asked | Refused:
    if not any(rule.configuration.programs for rule in rules.values()):
        reason = "DKIST dataset inventory: known, not yet taken by any stream: none is the home of observing programs"
        return Refused(letter.sender, each.event_id, "NOT_TAKEN", (reason,), is_kept=False)
    try:
        home = home_of(letter.sender, rules.values())
        subject, request = changed(each.record, home, sender=letter.sender)
    except Objection as objection:
        return Refused(letter.sender, each.event_id, objection.code, objection.reasons)
    return letter.ask(request, subject=subject, event_id=each.event_id)


def _take_object(letter: _Letter, change: S3Change, rules: Mapping[str, StreamRule]) -> Asked:
    place = Place.of_object(change.bucket, change.key)
    subject, request = arrive(
        place,
        rule_of_place(place, letter.sender, rules),
        content={"size_bytes": change.size_bytes, "modified_at": change.at, "etag": change.etag},
        witness=letter.witness,
        catch_up=False,
        at=letter.at,
    )
    return letter.ask(request, subject=subject, event_id=change.event_id)
