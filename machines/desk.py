"""The desk: one request about one subject in, one sealed record out. Pure; the clock's reading is handed in."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

from orjson import OPT_SORT_KEYS, dumps, loads
from pydantic import ValidationError

from events.base import FACTS, REQUESTS, Fact, Request
from events.chain import seal
from events.envelope import Record, RequestEnvelope, readable
from events.refusal import REASONS_AT_MOST
from machines.ruling import Accepted, Ask, Machine, Refusal, Ruling, Told
from machines.unstorable import unstorable, without_text

__all__ = ["Asked", "Decision", "Desk", "FoldError", "GapError", "Stamp", "Subject", "digest_of"]

REASON_CHARACTERS_AT_MOST = 1000


class FoldError(RuntimeError):
    """Folding a fact that was just decided raised: the code is wrong. The batch has to be given up."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"folding the answer to request {request_id} raised")
        self.request_id = request_id


class GapError(RuntimeError):
    """A record does not follow the one before it: law 1 is broken, or a snapshot is from elsewhere."""


@dataclass(slots=True)
class Subject:
    """A subject's state and where its history stands. ``fact_sequence`` is that of the last fact, refusals left out."""

    state: Any
    sequence: int = 0
    fact_sequence: int = 0
    time: str = ""
    chain: str = ""


class Stamp(NamedTuple):
    """What the decider adds to a decision: the record's id, the request's digest and place, its clock, its epoch."""

    id: str
    digest: str
    now: str
    requesttopic: str
    ownerepoch: int


class Asked(NamedTuple):
    """A request before its subject: ``payload`` as ``Desk.payload`` read it; what speaks against it beforehand."""

    subject: Subject
    request: RequestEnvelope
    payload: Request | Refusal
    stamp: Stamp
    id_reused: bool = False
    is_poison: bool = False


class Decision(NamedTuple):
    """One record, sealed, with what it says. ``poison`` is the traceback where deciding raised."""

    record: Record
    value: bytes
    poison: str | None = None


# In a third of the time that the tuples' own functions take.
_ask: Callable[[tuple[Request, RequestEnvelope]], Ask] = partial(tuple.__new__, Ask)
_decision: Callable[[tuple[Record, bytes, str | None]], Decision] = partial(tuple.__new__, Decision)


def digest_of(request: RequestEnvelope) -> str:
    """What makes two requests of one id the same: all that is asked, but not when, nor by which program."""
    known = REQUESTS.get(request.type)
    data = request.data
    if known is not None and known.attached:
        data = {name: each for name, each in data.items() if name not in known.attached}
    asked = (
        request.type,
        request.subject,
        request.actor,
        request.reason,
        request.expectedsequence,
        request.version,
        request.attempt,
        data,
    )
    return sha256(dumps(asked, option=OPT_SORT_KEYS)).hexdigest()[:32]


class Desk:
    """Decides for one machine of one site."""

    def __init__(self, machine: Machine[Any], *, site: str) -> None:
        self.machine = machine
        self.site = site
        self._source = f"/{site}/{machine.name}"
        self._refused: type[Fact] = FACTS[f"{machine.name}.refused"]
        self._wire_names = {known: (known.name, known.schema_id()) for known in FACTS.values()}
        self._readers = {
            name: known.__pydantic_validator__.validate_python
            for name, known in REQUESTS.items()
            if name.startswith(f"{machine.name}.")
        }

    @staticmethod
    def seal(previous: str, body: bytes) -> tuple[bytes, str]:
        """The record's bytes with their link to the one before, and the link."""
        return seal(previous, body)

    def new(self) -> Subject:
        """A subject of which nothing is known."""
        return Subject(self.machine.new())

    def decide(
        self,
        subject: Subject,
        request: RequestEnvelope,
        stamp: Stamp,
        *,
        id_reused: bool = False,
        is_poison: bool = False,
    ) -> Decision:
        """The record that answers this request, already folded into ``subject``. Raises FoldError."""
        asked = Asked(subject, request, self.payload(request), stamp, id_reused, is_poison)
        return self.decide_all([asked])[0]

    def decide_all(self, asked: Sequence[Asked]) -> list[Decision]:
        """As ``decide``, for requests whose subjects all differ, so that none can depend on another.

        Step by step for all of them: a processor that does one thing many times over takes two thirds of the time.
        """
        rulings = [self._ruling(each.subject, each) for each in asked]
        records, values = self._sealed(asked, [ruling for ruling, _ in rulings])
        for number, against in enumerate(map(unstorable, values)):
            if against is not None:
                records[number], values[number] = self._refused_unstored(asked[number], *against)
        for each, record in zip(asked, records, strict=True):
            try:
                self._fold(each.subject, record, record.chain)
            except Exception as error:
                raise FoldError(record.requestid) from error
        return list(map(_decision, zip(records, values, [poison for _, poison in rulings], strict=True)))

    def apply(self, subject: Subject, record: Record, *, chain: str) -> None:
        """Fold a record of the ledger; ``chain`` is its verified link. Raises GapError where it does not follow."""
        if record.sequence != subject.sequence + 1:
            raise GapError(
                f"{record.subject}: found sequence {record.sequence}, wanted {subject.sequence + 1}"
            )
        self._fold(subject, record, chain)

    def dump(self, subject: Subject) -> bytes:
        """A snapshot as JSON."""
        return dumps(
            {
                "sequence": subject.sequence,
                "fact_sequence": subject.fact_sequence,
                "time": subject.time,
                "chain": subject.chain,
                "state": self.machine.dump(subject.state),
            }
        )

    def load(self, dumped: bytes) -> Subject:
        """The subject from what ``dump`` gave."""
        members = loads(dumped)
        return Subject(**{**members, "state": self.machine.load(members["state"])})

    def payload(self, request: RequestEnvelope) -> Request | Refusal:
        """What is asked, as its own class; or the refusal of what can't be read."""
        read = self._readers.get(request.type)
        if read is None:
            wanted = ", ".join(self._readers)
            reason = f"found the request {request.type}, wanted one of {wanted}"
            return Refusal((reason,), None, code="INVALID_REQUEST")
        try:
            payload: Request = read(request.data)
            return payload
        except ValidationError as error:
            return Refusal((f"data: {readable(error)}",), None, code="INVALID_REQUEST")

    def _ruling(self, subject: Subject, asked: Asked) -> tuple[Ruling, str | None]:
        """What is decided, and the traceback where deciding raised."""
        _, request, payload, _, id_reused, is_poison = asked
        if is_poison or id_reused or request.expectedsequence is not None:
            against = self._against(subject, request, id_reused=id_reused, is_poison=is_poison)
            if against is not None:
                return against, "fold" if is_poison else None
        if isinstance(payload, Refusal):
            return payload, None
        try:
            return self.machine.decide(subject.state, _ask((payload, request))), None
        except Exception:  # noqa: BLE001 - the one place where any exception is an answer: poison
            trace = traceback.format_exc(limit=20)
            where = self.machine.where(subject.state)
            return Refusal((f"deciding raised: {trace.splitlines()[-1]}",), where, code="INTERNAL"), trace

    def _against(
        self, subject: Subject, request: RequestEnvelope, *, id_reused: bool, is_poison: bool
    ) -> Refusal | None:
        """What speaks against a request whatever it asks."""
        if is_poison:
            reason = "deciding this request raised before; the code is wrong"
            return Refusal((reason,), self.machine.where(subject.state), code="INTERNAL")
        if id_reused:
            reason = f"request id {request.id} was used before with other content; use a new id"
            return Refusal((reason,), self.machine.where(subject.state), code="ID_REUSED")
        if request.expectedsequence is not None and request.expectedsequence != subject.fact_sequence:
            reason = f"expected the last fact at sequence {request.expectedsequence}, found {subject.fact_sequence}"
            where, allowed = self.machine.where(subject.state), self.machine.allowed(subject.state)
            return Refusal((reason,), where, allowed, code="CONFLICT")
        return None

    def _sealed(self, asked: Sequence[Asked], rulings: Sequence[Ruling]) -> tuple[list[Record], list[bytes]]:
        """The records with these rulings, and their bytes."""
        records = [self._members(each, ruling) for each, ruling in zip(asked, rulings, strict=True)]
        bodies = list(map(dumps, records))
        values, seal = [], self.seal
        for each, members, body in zip(asked, records, bodies, strict=True):
            value, members["chain"] = seal(each.subject.chain, body)
            values.append(value)
        return list(map(Record.of, records)), values

    def _refused_unstored(self, asked: Asked, code: str, reason: str) -> tuple[Record, bytes]:
        """What takes the place of a record that can't be kept."""
        refusal = Refusal((reason,), self.machine.where(asked.subject.state), code=code)
        [record], [value] = self._sealed([asked._replace(request=without_text(asked.request))], [refusal])
        return record, value

    def _members(self, asked: Asked, ruling: Ruling) -> dict[str, Any]:
        """The record without its chain."""
        subject, request, _, (identifier, digest, now, place, epoch), _, _ = asked
        fact, fromstate, tostate, version, attempt = (
            ruling if isinstance(ruling, Accepted) else self._refused_as(request, ruling)
        )
        kind, data = fact if isinstance(fact, Told) else (type(fact), fact.wire())
        name, schema = self._wire_names[kind]
        members: dict[str, Any] = {
            "specversion": "1.0",
            "id": identifier,
            "source": self._source,
            "type": name,
            "dataschema": schema,
            "time": max(now, subject.time),
            "subject": request.subject,
            "sequence": subject.sequence + 1,
            # A plain word: orjson asks a member of an enum for its value, as dear as all the rest.
            "fromstate": None if fromstate is None else str(fromstate),
            "tostate": None if tostate is None else str(tostate),
            "actor": request.actor,
            "requestid": request.id,
            "requesttopic": place,
            "requestdigest": digest,
            "ownerepoch": epoch,
        }
        if version is not None:
            members["version"] = version
        if attempt is not None:
            members["attempt"] = attempt
        if request.reason is not None:
            members["reason"] = request.reason
        if request.causationid is not None:
            members["causationid"] = request.causationid
        if request.correlationid is not None:
            members["correlationid"] = request.correlationid
        if request.traceparent is not None:
            members["traceparent"] = request.traceparent
        members["data"] = data
        return members

    def _refused_as(self, request: RequestEnvelope, ruling: Refusal) -> Accepted:
        """A refusal as what joins the ledger."""
        fact = self._refusal(request, ruling)
        return Accepted(fact, ruling.state, ruling.state, ruling.version, ruling.attempt)

    def _refusal(self, request: RequestEnvelope, ruling: Refusal) -> Fact:
        reasons = [reason[:REASON_CHARACTERS_AT_MOST] for reason in ruling.reasons[:REASONS_AT_MOST]]
        members = {
            "request": request.type[:255],
            "code": ruling.code,
            "reasons": reasons,
            "allowed": ruling.allowed,
        }
        return self._refused.read({**members, **(ruling.extra or {})})

    def _fold(self, subject: Subject, record: Record, chain: str) -> None:
        if not record.is_refusal:
            state = subject.state
            self.machine.evolve(state, record)
            subject.fact_sequence = record.sequence
            folded = self._stated(state, record.version)
            if record.tostate != folded:
                raise GapError(
                    f"{record.subject}/{record.sequence}: folded {folded}, recorded {record.tostate}"
                )
        subject.sequence, subject.time, subject.chain = record.sequence, record.time, chain

    def _stated(self, state: Any, version: int | None) -> str | None:
        versions = None if version is None else getattr(state, "versions", None)
        if versions is None:
            return self.machine.where(state)
        named: str = versions[version].state
        return named
