"""The way out of every halt: what happened, what would be done about it, and doing it in somebody's name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from consumers.dead_record import dead_letter
from events.log import Log, Message, Place
from events.topics import Topics
from projectors import recoveries
from projectors.fold_version import forget_folding
from projectors.read_models import LIVE
from projectors.recoveries import StandingHalt

__all__ = ["Remedies", "Remedy"]

_READ_S = 10.0


@dataclass(frozen=True, slots=True)
class Remedy:
    """A halt in words; ``will`` None: nothing that a command may do, the text says who has to do what."""

    halt: StandingHalt
    happened: str
    will: str | None
    advice: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One code of halts: what it means, what is done, and the doing; ``act`` says what it did."""

    happened: str
    will: str | None
    act: Callable[["Remedies", Connection, StandingHalt], str] | None
    advice: str = ""


class Remedies:
    """Explains halts and leads on from them. Only what stands in the way is changed, and each step is written down."""

    def __init__(self, *, logs: Log, engine: Engine, topics: Topics) -> None:
        self._logs = logs
        self._engine = engine
        self._topics = topics

    def explain(self) -> list[Remedy]:
        """Every halt that stands."""
        with self._engine.connect() as connection:
            halts = recoveries.standing_halts(connection)
        return [self._explained(halt) for halt in halts]

    def apply(self, remedy: Remedy, *, actor: str, reason: str, only_retry: bool = False) -> str:
        """Do what the remedy says, in one transaction with the halt's end; what was done."""
        act = Remedies.try_again if only_retry else self._kind(remedy.halt).act
        if act is None:
            raise ValueError(f"{remedy.halt.code} is not left by this command: {remedy.advice}")
        with self._engine.begin() as connection:
            done = act(self, connection, remedy.halt)
            recoveries.clear(connection, remedy.halt, done=done, actor=actor, reason=reason)
        return done

    def _kind(self, halt: StandingHalt) -> _Kind:
        if halt.code == "FOLLOWER_HALTED" and halt.part in recoveries.FOLLOWERS and not self._fits(halt.part):
            return KINDS[f"POSITION_MISFITS ({halt.part})"]
        return _kind(halt, self._topics)

    def _explained(self, halt: StandingHalt) -> Remedy:
        kind = self._kind(halt)
        return Remedy(halt, kind.happened, kind.will, kind.advice)

    # --- what is done; each returns what it did

    def adopt_topic(self, connection: Connection, halt: StandingHalt) -> str:
        """The topic that is there now is the one; of a ledger, everything made from the old one is read again."""
        name = str(halt.details["topic"])
        topic_id = self._logs.topic_ids([name])[name]
        recoveries.adopt_topic_id(connection, name, topic_id)
        machine = self._machine_of_ledger(name)
        if machine is None:
            return f"adopted the topic id {topic_id} of {name}; its requests are read from the first"
        snapshots = self._forget_all(connection, machine)
        return f"adopted the topic id {topic_id} of {name} and forgot {snapshots} snapshots: the ledger is read again"

    def make_anew(self, connection: Connection, halt: StandingHalt) -> str:
        """The topic may be made again under its name."""
        name = str(halt.details["topic"])
        recoveries.forget_topic(connection, name)
        return f"forgot the topic id of {name}: the decider makes the topic anew"

    def read_again(self, connection: Connection, halt: StandingHalt) -> str:
        """Snapshots and watermark go; what the ledger has lost may be decided again."""
        ledger = Place(self._topics.events(halt.machine), halt.partition)
        end = self._end(ledger)
        snapshots = recoveries.forget_snapshots(connection, halt.machine, halt.partition)
        outcomes = recoveries.forget_outcomes_after(connection, halt.machine, halt.partition, ledger_end=end)
        return (
            f"forgot {snapshots} snapshots and {outcomes} outcomes that the ledger does not have; "
            f"it is read from its beginning to {end}"
        )

    def go_on_at_end(self, connection: Connection, halt: StandingHalt) -> str:
        """Requests are read from the end of their topic as it is now."""
        requests = Place(self._topics.requests(halt.machine), halt.partition)
        end = self._end(requests)
        self._seat(connection, requests, halt.machine, end)
        return f"{requests.topic}/{requests.partition} goes on at its end, {end}"

    def set_aside(self, connection: Connection, halt: StandingHalt) -> str:
        """The one request that can't be committed becomes a dead letter, and the next one is read."""
        requests = Place(self._topics.requests(halt.machine), halt.partition)
        offset = int(halt.details["offset"])
        message = self._message(requests, offset)
        if message is not None:
            self._bury(message, halt)
        self._seat(connection, requests, halt.machine, offset + 1)
        where = f"{requests.topic}/{requests.partition}/{offset}"
        return f"the request at {where} is a dead letter now; {offset + 1} is next"

    def try_again(self, _connection: Connection, _halt: StandingHalt) -> str:
        """Nothing is changed but the halt itself."""
        return "the halt is taken away: it is tried again"

    def rebuild(self, connection: Connection, _halt: StandingHalt) -> str:
        """The tables that are folded from the ledger are emptied, and filled again from its beginning."""
        emptied = recoveries.empty_projection(connection)
        recoveries.forget_positions(connection, "projector")
        forget_folding(connection, LIVE.schema)
        return f"emptied {len(emptied)} tables of the views; the projector fills them again from the ledger's beginning"

    def dispatch_again(self, connection: Connection, _halt: StandingHalt) -> str:
        """Obligations are noted again from the ledger's beginning; what is there already stays as it is."""
        recoveries.forget_positions(connection, "dispatch")
        return "dispatch reads the ledger from its beginning; work that was done is looked at, not done twice"

    # --- how

    def _fits(self, follower: str) -> bool:
        """Whether the positions of a follower are places on the topics as they are now."""
        with self._engine.connect() as connection:
            positions = recoveries.positions_of(connection, follower)
        reader = self._logs.reader(committed=True)
        try:
            for machine, partition, next_offset, topic_id in positions:
                name = self._topics.events(machine)
                place = Place(name, partition)
                if self._logs.topic_ids([name]).get(name) != topic_id:
                    return False
                if not reader.beginning(place) <= next_offset <= reader.end(place):
                    return False
        finally:
            reader.close()
        return True

    def _machine_of_ledger(self, name: str) -> str | None:
        machine = name.removeprefix(f"{self._topics.site}.").removesuffix(".events")
        return machine if self._topics.events(machine) == name else None

    def _forget_all(self, connection: Connection, machine: str) -> int:
        counts = self._logs.partitions([self._topics.events(machine)])
        for partition in range(counts[self._topics.events(machine)]):
            end = self._end(Place(self._topics.events(machine), partition))
            recoveries.forget_outcomes_after(connection, machine, partition, ledger_end=end)
        return recoveries.forget_snapshots(connection, machine)

    def _seat(self, connection: Connection, requests: Place, machine: str, offset: int) -> None:
        """Both words that a take-over hears: the offset committed on Kafka, and the store's."""
        writer = self._logs.transactional(f"{self._topics.site}.{machine}.{requests.partition}")
        try:
            writer.begin()
            writer.commit({requests: offset}, group=f"{self._topics.site}.{machine}.decider")
        finally:
            writer.close()
        recoveries.seat_requests(connection, machine, requests.partition, next_request=offset)

    def _end(self, place: Place) -> int:
        reader = self._logs.reader(committed=True)
        try:
            return reader.end(place)
        finally:
            reader.close()

    def _message(self, place: Place, offset: int) -> Message | None:
        reader = self._logs.reader(committed=True)
        try:
            reader.assign({place: offset})
            polled = reader.poll(at_most=1, timeout_s=_READ_S).get(place, [])
        finally:
            reader.close()
        return next((message for message in polled if message.offset == offset), None)

    def _bury(self, message: Message, halt: StandingHalt) -> None:
        key, value, headers = dead_letter(
            message, sender="decider", code=halt.code, reason=halt.message, at=datetime.now(UTC)
        )
        writer = self._logs.writer()
        try:
            writer.send(self._topics.deadletter, key=key, value=value, partition=0, headers=headers)
            writer.flush(_READ_S)
        finally:
            writer.close()


_LEDGER_GONE = (
    "restore the ledger from its archive or a backup of the broker; nothing in Meridian can stand in for it"
)

KINDS: Mapping[str, _Kind] = {
    "TOPIC_ID_CHANGED": _Kind(
        "a topic of this name is another one than before: it was deleted and made anew, or restored",
        "take the topic that is there now as the one; of a ledger also forget the snapshots, so that all of it is read "
        "again and its hash chains are checked",
        Remedies.adopt_topic,
        "make sure first that it holds what it should: an empty ledger would be a site without a past",
    ),
    "TOPIC_GONE": _Kind(
        "a topic that was there before is gone",
        "let the topic be made anew; requests that were in it and not decided have to be asked again",
        Remedies.make_anew,
    ),
    "TOPIC_GONE (ledger)": _Kind(
        "the ledger of a machine is gone", None, None, _LEDGER_GONE
    ),
    "PARTITIONS_CHANGED": _Kind(
        "a topic has another number of partitions than before, so subjects may lie in other partitions than their past",
        None,
        None,
        "restore the topic with the partitions it had; they are fixed for ever",
    ),
    "PARTITIONS_DIFFER": _Kind(
        "requests and ledger of a machine have different numbers of partitions",
        None,
        None,
        "restore whichever was changed; both were made with equally many",
    ),
    "SNAPSHOT_AHEAD": _Kind(
        "the database knows decisions that the ledger does not have: the ledger has lost its end, or is an older copy",
        "forget snapshots and the outcomes of lost decisions, and read the ledger again; what was lost may be asked "
        "again",
        Remedies.read_again,
        "if a newer copy of the ledger exists, restore that instead: what is decided anew gets new times",
    ),
    "LEDGER_BROKEN": _Kind(
        "read from its beginning, the ledger does not hold together: a gap in a subject's sequence, or a broken chain",
        "forget the snapshots and read the ledger again",
        Remedies.read_again,
        "that helps only once the ledger was restored from its archive; the message names the first bad record",
    ),
    "LEDGER_UNREADABLE": _Kind(
        "the ledger has a record that this version of the code can't read",
        "try again",
        Remedies.try_again,
        "that helps only once a version that knows the record is deployed, or the ledger was restored",
    ),
    "BEYOND_END": _Kind(
        "the requests were decided further than their topic goes: it has lost its end, or is an older copy",
        "go on at the end of the topic as it is now",
        Remedies.go_on_at_end,
    ),
    "STUCK_AT_REQUEST": _Kind(
        "one request could not be committed, alone and in several tries",
        "set this one request aside as a dead letter, and go on with the next; whoever asked it has to ask again",
        Remedies.set_aside,
        "look at the broker's log first; if the broker was the cause and is well again, --retry is enough",
    ),
    "POSITION_MISFITS (projector)": _Kind(
        "the views stand on another ledger than the one that is there now: it was restored, made anew, or lost its end",
        "empty the tables of the views and fill them again from the ledger; the registers of the archive stay",
        Remedies.rebuild,
        "views are incomplete until the projector has read everything: meridian status shows how far it is",
    ),
    "POSITION_MISFITS (dispatch)": _Kind(
        "the work noted stands on another ledger than the one that is there now: it was restored, made anew, or lost "
        "its end",
        "read the ledger again from its beginning and note what is owed; what was done already is not done twice",
        Remedies.dispatch_again,
    ),
    "FOLLOWER_HALTED": _Kind(
        "a follower of the ledger met something that it must not pass over",
        "try again",
        Remedies.try_again,
        "that helps only once the cause is gone: its message says what was found and what is wanted",
    ),
    "CODE_IS_WRONG": _Kind(
        "deciding raised an exception for many subjects in a row: the code is wrong, not what was asked",
        "try again",
        Remedies.try_again,
        "that helps only once corrected code is deployed",
    ),
}  # fmt: skip

UNKNOWN = _Kind(
    "a part stands still for a reason of its own",
    "try again",
    Remedies.try_again,
    "its message says what it needs",
)


def _kind(halt: StandingHalt, topics: Topics) -> _Kind:
    topic = str(halt.details.get("topic", ""))
    if halt.code == "TOPIC_GONE" and topic.startswith(topics.site) and topic.endswith(".events"):
        return KINDS["TOPIC_GONE (ledger)"]
    return KINDS.get(halt.code, UNKNOWN)
