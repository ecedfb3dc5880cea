"""One row an attempt at inverting a program: whose, until when, what was handed in, the review, the publication."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from events import op as of_programs
from events import op_attempts as facts
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row, first, greatest

__all__ = ["op_attempt"]

_UTC = DateTime(timezone=True)
_FALSE = text("false")
_STATES = (
    "Working, HandedIn, Verified, Accepted, Publishing, Published, Withdrawing, Rejected, Released, Superseded "
    "or Withdrawn"
)
_HOLDING = "state IN ('Working', 'HandedIn', 'Verified', 'Accepted', 'Publishing')"
op_attempt = Folded(
    Table(
        "op_attempt",
        metadata,
        Column("op", Text(collation="C"), primary_key=True, comment="id of the observing program's execution"),
        Column("attempt", Integer, primary_key=True, autoincrement=False, comment="number of the attempt, from 1"),
        Column("program", Text(collation="C"), comment="id of the instrument program's execution"),
        Column("state", Text, comment=_STATES),
        Column("since_at", _UTC, comment="UTC; when it came into this state"),
        Column("claimant", Text, comment="who works on it"),
        Column("orcid", Text, comment="ORCID iD of the claimant, where it was checked"),
        first("claimed_at", _UTC, "UTC; when it was claimed"),
        Column("datasets", BigInteger, comment="how many datasets the program had when it was claimed"),
        Column("cover", Text, comment="hex; digest over those datasets"),
        Column("changed_since", Boolean, nullable=False, server_default=_FALSE, comment="they are others by now"),
        Column("beside", JSONB, comment="JSON array: numbers of attempts that were open when it was claimed"),
        Column("rank", BigInteger, comment="its place in the queue when it was claimed"),
        Column("score", Double, comment="the score by which it had that place"),
        Column("staged_location", Text, comment="where its inputs are staged"),
        Column("lease_from", _UTC, comment="UTC; begin of the lease"),
        Column("lease_until", _UTC, comment="UTC; end of the lease, unless it is extended"),
        Column("lease_warned", SmallInteger, comment="percent of the lease at which the claimant was warned last"),
        Column("is_expired", Boolean, nullable=False, server_default=_FALSE, comment="the claim has run out"),
        # what was handed in
        greatest("rounds", Integer, "how often products were handed in"),
        Column("handed_in_at", _UTC, comment="UTC; when products were last handed in"),
        Column("is_late", Boolean, comment="they came after the claim had ended"),
        Column("outputs", JSONB, comment="JSON array: products: {name, uri, sha256, size_bytes in bytes, role}"),
        Column("inputs", JSONB, comment="JSON array: datasets that were used"),
        Column("repository", Text, comment="repository of the software that made them"),
        Column("commit_id", Text, comment="commit in that repository"),
        Column("hand_in_message", Text, comment="what the claimant said"),
        Column("refused_reasons", JSONB, comment="JSON array: why the last hand-in does not hold; NULL: it does"),
        Column("verified_at", _UTC, comment="UTC; when the products were verified"),
        Column("verified_outputs", BigInteger, comment="how many products were verified"),
        Column("verified_bytes", BigInteger, comment="bytes; of the verified products"),
        Column("commit_check", Text, comment="found, or unverified: the commit in its repository"),
        # review
        Column("reviewer", Text, comment="who reviewed it last"),
        Column("review", Text, comment="accept, rework or reject"),
        Column("review_note", Text, comment="what the reviewer said"),
        Column("reviewed_at", _UTC, comment="UTC; when that was"),
        # publication
        Column("publication", Integer, comment="which time it is published, from 1"),
        Column("steps_done", JSONB, comment="JSON array: steps of publishing that are done"),
        Column("objects", BigInteger, comment="how many objects the archive has of it"),
        Column("archived_bytes", BigInteger, comment="bytes; of those objects"),
        Column("manifest_uri", Text, comment="where the list of what is published is"),
        Column("manifest_sha256", Text, comment="hex; of that list"),
        Column("acknowledgement", Text, comment="the metadata store's own id of it"),
        Column("identifier", Text, comment="such as a DOI"),
        Column("portal_uri", Text, comment="where the portal shows it"),
        Column("published_at", _UTC, comment="UTC; when it was last published"),
        Column("is_public", Boolean, nullable=False, server_default=_FALSE, comment="it is what stands published"),
        Column("is_embargoed", Boolean, comment="kept from the public; NULL: not published yet"),
        Column("embargo_until", _UTC, comment="UTC; when the embargo ends; NULL: never by itself"),
        Column("supersedes", Integer, comment="number of the attempt whose place it took"),
        Column("replacement", Text, comment="what comes instead of what is withdrawn"),
        Column("withdrawn_at", _UTC, comment="UTC; when the portal acknowledged that it is withdrawn"),
        Column("sequence", BigInteger, comment="number of the last fact about it"),
        Index("op_attempt_holding", "op", "program", postgresql_where=text(f"{_HOLDING} OR is_public")),
        Index("op_attempt_by_claimant", "claimant", postgresql_where=text(_HOLDING)),
        schema="projection",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"},
    )
)  # fmt: skip


def _stays(record: Record, **more: Any) -> Row:
    """In the same state."""
    told = {name: record.data[name] for name in ("program", "claimant")}
    where: Row = {"op": record.subject, "attempt": record.attempt, "sequence": record.sequence}
    return {**where, **told, "state": record.data["attempt_state"], **more}


def _moved(record: Record, **more: Any) -> Row:
    """Into another state."""
    return _stays(record, since_at=record.time, **more)


def _lease(record: Record) -> Row:
    told = {name: record.data[name] for name in ("lease_from", "lease_until")}
    return {**told, "lease_warned": None, "is_expired": False}


def _told(record: Record, *names: str) -> Row:
    """Members that the fact has; what it leaves out stays as it was."""
    return {name: record.data[name] for name in names if record.data.get(name) is not None}


@op_attempt.on(facts.OpClaimed)
def claimed(record: Record) -> Row:
    """A new attempt."""
    data = record.data
    told = {name: data.get(name) for name in ("orcid", "rank", "score", "beside")}
    cover = {"datasets": data["cover"]["datasets"], "cover": data["cover"]["digest"]}
    location = data.get("location")
    return _moved(record, **told, **cover, **_lease(record), claimed_at=record.time, staged_location=location)


@op_attempt.on(of_programs.OpPreprocessed)
def staged_again(record: Record) -> list[Row]:
    """For those who have claimed it meanwhile."""
    told = {"staged_location": record.data["location"], "sequence": record.sequence}
    return [{"op": record.subject, "attempt": number, **told} for number in record.data.get("attempts") or ()]


@op_attempt.on(facts.OpExtended)
def extended(record: Record) -> Row:
    """The lease began anew."""
    return _stays(record, **_lease(record))


@op_attempt.on(facts.OpHandedOver)
def handed_over(record: Record) -> Row:
    """Somebody else goes on."""
    return _stays(record, **_lease(record), orcid=record.data.get("orcid"))


@op_attempt.on(facts.OpLeaseWarned)
def warned(record: Record) -> Row:
    """So much of it is over."""
    return _stays(record, lease_warned=record.data["percent"])


@op_attempt.on(facts.OpReleased)
def released(record: Record) -> Row:
    """Given back, or run out."""
    return _moved(record, is_expired=record.data["expired"])


@op_attempt.on(facts.OpHandedIn)
def handed_in(record: Record) -> Row:
    """Products."""
    data = record.data
    told = {"outputs": data["outputs"], "inputs": data["inputs"], "is_late": data["late"]}
    made = {"repository": data["software"]["repository"], "commit_id": data["software"]["commit"]}
    when = {"handed_in_at": record.time, "rounds": data["round"], "hand_in_message": data.get("message")}
    changed = {"changed_since": True} if data["changed_since"] else {}
    return _moved(record, **told, **made, **when, **changed, refused_reasons=None)


@op_attempt.on(facts.OpHandInRefused)
def hand_in_refused(record: Record) -> Row:
    """They do not hold."""
    return _moved(record, **_lease(record), refused_reasons=record.data["reasons"])


@op_attempt.on(facts.OpInverted)
def inverted(record: Record) -> Row:
    """They hold."""
    data = record.data
    told = {"verified_outputs": data["outputs_verified"], "verified_bytes": data["size_bytes"]}
    return _moved(record, **told, verified_at=record.time, commit_check=data["commit"], refused_reasons=None)


def _reviewed(record: Record, review: str, **more: Any) -> Row:
    told = {"reviewer": record.data["reviewer"], "review_note": record.data["note"]}
    return _moved(record, **told, review=review, reviewed_at=record.time, **more)


@op_attempt.on(facts.OpAccepted)
def accepted(record: Record) -> Row:
    """Can be published."""
    return _reviewed(record, "accept")


@op_attempt.on(facts.OpReworkAsked)
def rework_asked(record: Record) -> Row:
    """Back to the claimant."""
    return _reviewed(record, "rework", **_lease(record))


@op_attempt.on(facts.OpRejected)
def rejected(record: Record) -> Row:
    """For good."""
    return _reviewed(record, "reject")


def _embargo(embargo: dict[str, Any]) -> Row:
    return {"is_embargoed": embargo["is_embargoed"], "embargo_until": embargo.get("until")}


@op_attempt.on(facts.OpPublishing)
def publishing(record: Record) -> Row:
    """Chosen; nothing is done yet."""
    told = {"publication": record.data["publication"], "steps_done": []}
    return _moved(record, **told, **_embargo(record.data["embargo"]), acknowledgement=None, identifier=None)


@op_attempt.on(facts.OpStepDone)
def step_done(record: Record) -> Row:
    """One step more."""
    told = _told(record, "objects", "manifest_uri", "manifest_sha256", "acknowledgement", "identifier")
    size = record.data.get("size_bytes")
    bytes_ = {} if size is None else {"archived_bytes": size}
    return _stays(record, **told, **bytes_, steps_done=record.data["steps_done"])


@op_attempt.on(facts.OpPublished)
def published(record: Record) -> list[Row]:
    """It stands published, and what stood there before does not."""
    former = record.data.get("supersedes")
    told = _told(record, "acknowledgement", "identifier", "portal_uri") | _embargo(record.data["embargo"])
    row = _moved(record, **told, published_at=record.time, is_public=True, supersedes=former)
    gone: Row = {
        "op": record.subject, "attempt": former, "state": "Superseded", "since_at": record.time, "is_public": False,
    }  # fmt: skip
    return [row] if former is None else [row, gone]


@op_attempt.on(facts.OpWithdrawing)
def withdrawing(record: Record) -> Row:
    """The portal has yet to acknowledge it."""
    return _moved(record, replacement=record.data.get("replacement"))


@op_attempt.on(facts.OpWithdrawn)
def withdrawn(record: Record) -> Row:
    """Taken back; all is kept."""
    return _moved(record, is_public=False, withdrawn_at=record.time)


@op_attempt.on(facts.OpEmbargoed)
def embargoed(record: Record) -> Row:
    """Not public."""
    return _stays(record, is_embargoed=True, embargo_until=record.data.get("due_at"))


@op_attempt.on(facts.OpEmbargoLifted)
def lifted(record: Record) -> Row:
    """Public."""
    return _stays(record, is_embargoed=False, embargo_until=None)


@op_attempt.on(of_programs.OpDatasetsChanged)
def flagged(record: Record) -> list[Row]:
    """The datasets are others than those that were claimed."""
    flagged_now = record.data["attempts_flagged"]
    return [{"op": record.subject, "attempt": number, "changed_since": True} for number in flagged_now]
