"""Every halt there is: what it means, what ``meridian recover --apply`` does about it, and what to mind before."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["HALTS", "OF_TOPICS", "UNKNOWN", "HaltKind", "known_code"]


@dataclass(frozen=True, slots=True)
class HaltKind:
    """One kind of halt in words; ``will`` is what the one command does that leads on from it."""

    happened: str
    will: str
    advice: str = ""


_LOOK = "look again, and go on only if it is so"
_ONE_RECORD = (
    "set that one record aside: its bytes become a dead letter, and every part passes over it from now on"
)

OF_TOPICS: Mapping[str, HaltKind] = {
    "TOPIC_ID_CHANGED": HaltKind(
        "topics of these names are others than before: they were deleted and made anew, or restored",
        "take the topics that are there now as the ones; of a ledger also forget the snapshots, so that all of it is "
        "read again and its hash chains are checked",
        "make sure first that they hold what they should: an empty ledger would be a site without a past",
    ),
    "TOPIC_GONE": HaltKind(
        "a topic of requests that was there before is gone",
        "let it be made anew; requests that were in it and not decided have to be asked again",
    ),
    "LEDGER_GONE": HaltKind(
        "the ledger of a machine is gone",
        f"{_LOOK}: the ledger is there again, with the partitions it had; it is then read from its beginning",
        "restore it first, from its archive or a backup of the broker; nothing in Meridian can stand in for it",
    ),
    "PARTITIONS_CHANGED": HaltKind(
        "a topic has another number of partitions than before, so subjects may lie in other partitions than their past",
        f"{_LOOK}: the topic has the partitions it had; a topic made anew is then taken as the one",
        "Kafka takes no partition away: delete the topic and make it anew with the number it had, a ledger from its "
        "archive; requests that were in it and not decided have to be asked again",
    ),
    "PARTITIONS_DIFFER": HaltKind(
        "requests and ledger of a machine have different numbers of partitions",
        f"{_LOOK}: both have equally many",
        "delete the one that is wrong, if nothing is in it: it is made anew as the settings say",
    ),
    "CLUSTER_CHANGED": HaltKind(
        "the database belongs to this site on another Kafka cluster than the one that the settings name",
        "take the cluster that the settings name now as the site's",
        "right after a restore into another cluster, and wrong otherwise: correct MERIDIAN_KAFKA or MERIDIAN_DATABASE "
        "instead",
    ),
}

_OF_THE_LEDGER = {
    "IMPORT_UNDER_WAY": HaltKind(
        "an export is being brought into this site's empty servers, or was when the import was killed",
        f"{_LOOK}: the import has ended; nothing else may lead past it, for a part of the ledger is none",
        "start the same import again, it goes on where it was; to give it up, delete the site's topics and make an "
        "empty database",
    ),
    "LEDGER_UNREADABLE": HaltKind(
        "the ledger has a record that is none: something else than the decider has written there",
        _ONE_RECORD,
        "take the right to write to the ledger away from whoever wrote it",
    ),
    "LEDGER_FROM_FUTURE": HaltKind(
        "the ledger has a record of a version that this code does not know",
        "try again",
        "that helps only once code that knows it is deployed: an older version was started on a newer ledger",
    ),
    "LEDGER_BROKEN": HaltKind(
        "read from its beginning, the ledger does not hold together: a gap or repeat in a subject's sequence, or a "
        "broken chain",
        f"{_ONE_RECORD}; the chain then proves whether it was a stranger's",
        "where it halts again at the next record, records are missing: restore the ledger from its archive instead",
    ),
    "LEDGER_CUT": HaltKind(
        "the beginning of the ledger is gone, and there are no snapshots that stand for it",
        f"{_LOOK}: the ledger begins where it began",
        "restore it first, from its archive or a backup of the broker, and set no retention on it",
    ),
    "SEQUENCE_REPEATED": HaltKind(
        "a record stands on the ledger again, or another one has taken its number: something else than the decider has "
        "written there",
        _ONE_RECORD,
        "take the right to write to the ledger away from whoever wrote it",
    ),
}

_OF_THE_DECIDER = {
    "SNAPSHOT_AHEAD": HaltKind(
        "the database knows decisions that the ledger does not have: the ledger has lost its end, or is an older copy",
        "forget snapshots and the outcomes of lost decisions, and read the ledger again; what was lost may be asked "
        "again",
        "if a newer copy of the ledger exists, restore that instead: what is decided anew gets new times",
    ),
    "BEYOND_END": HaltKind(
        "the requests were decided further than their topic goes: it has lost its end, or is an older copy",
        "go on at the end of the topic as it is now",
    ),
    "STUCK_AT_REQUEST": HaltKind(
        "one request could not be committed, alone and in several tries",
        "set this one request aside as a dead letter, and go on with the next; whoever asked it has to ask again",
        "look at the broker's log first; if the broker was the cause and is well again, --retry is enough",
    ),
    "CODE_IS_WRONG": HaltKind(
        "the code raised an exception where it must not: at many subjects in a row, or at a record of the ledger",
        "try again",
        "that helps only once corrected code is deployed",
    ),
    "FENCED_FROM_OUTSIDE": HaltKind(
        "another decider takes this partition again and again without a lease in this database: it runs for the same "
        "site with another database",
        "try again",
        "that helps only once the other one is stopped, or uses this database; compare MERIDIAN_DATABASE of both",
    ),
}

_OF_FOLLOWERS = {
    "POSITION_OF_ANOTHER_TOPIC": HaltKind(
        "what was read stands on another ledger than the one that is there now: it was restored, or made anew",
        "read the ledger again from its beginning: views are emptied and filled again, work that was done is looked at "
        "and not done twice; the registers of the archive stay",
        "views are incomplete until everything is read: meridian status shows how far it is",
    ),
    "POSITION_BEYOND_END": HaltKind(
        "what was read goes further than the ledger, or its beginning is gone: the ledger has lost an end, or is an "
        "older copy",
        "read the ledger again from its beginning: views are emptied and filled again, work that was done is looked at "
        "and not done twice; the registers of the archive stay",
        "views are incomplete until everything is read: meridian status shows how far it is",
    ),
    "SEQUENCE_HOLE": HaltKind(
        "a record of a subject is missing, in the ledger or in what was read of it",
        "read the ledger again from its beginning: views are emptied and filled again, work that was done is looked at "
        "and not done twice; the registers of the archive stay",
        "where it halts again at the same record, the ledger itself has lost one: restore it from its archive",
    ),
    "ROWS_REFUSED": HaltKind(
        "the database refuses what follows from one record",
        "try again",
        "that helps only once the cause is gone: its message says what the database said",
    ),
    "LOG_REFUSES": HaltKind(
        "Kafka answers, and refuses again and again what is needed: a right is missing, or a record on its disk can't "
        "be taken apart",
        "try again",
        "that helps only once the cause is gone: its message says what Kafka said; meridian doctor looks at the rest",
    ),
}

HALTS: Mapping[str, HaltKind] = {**OF_TOPICS, **_OF_THE_LEDGER, **_OF_THE_DECIDER, **_OF_FOLLOWERS}

UNKNOWN = HaltKind(
    "a part stands still for a reason that this version does not know: another version wrote it down",
    "try again",
    "its message says what it needs",
)


def known_code(code: str) -> str:
    """The code, if it is one; raises ValueError: nobody could explain it, or lead on from it."""
    if code not in HALTS:
        raise ValueError(f"found the halt {code}, wanted one of {', '.join(HALTS)}")
    return code
