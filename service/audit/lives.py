"""Which fact may lead from where to where: the lifecycles' tables written out once more, so that two have to agree."""

from service.audit import op_lives

__all__ = ["AWAITING", "BEGINNINGS", "EFFECT_OF", "ENDS", "is_legal"]

AWAITING = frozenset({"QUEUED", "PROCESSING", "TRANSFERRING", "TRANSFERRED"})
"""States of a file's version in which work is owed."""

BEGINNINGS = frozenset({"file.arrived", "file.conflicted", "file.adopted"})
"""Facts that begin a version."""

ENDS = frozenset({"file.validated", "file.rejected", "file.registered", "file.failed", "file.dismissed"})
"""Facts that may oblige us to announce what waited behind a version."""

EFFECT_OF = {
    "QUEUED": "ingest",
    "PROCESSING": "ingest",
    "TRANSFERRING": "transfer",
    "TRANSFERRED": "register",
}
"""The work that each awaiting state waits for."""

_WORKING = AWAITING
_FILE = {*AWAITING, "COMPLETE", "INVALID", "ERROR", "DISMISSED"}
_KNOWN: set[str | None] = {*_FILE}
_STREAM = {"Offline", "Standby", "Disabled", "Enabled", "Fault"}
_SAME: set[str | None] = set()

_Table = dict[str, tuple[set[str | None], set[str | None]]]

_REMARKS = [
    f"file.{word}"
    for word in [
        "acknowledged",
        "held",
        "unheld",
        "noted",
        "embargoed",
        "extended",
        "lifted",
        "previewed",
        "sidecar_late",
        "report_ignored",
    ]
]

_LIVES: _Table = {
    "file.arrived": ({None}, {"QUEUED"}),
    "file.conflicted": ({None}, {"ERROR"}),
    "file.adopted": ({None}, {"COMPLETE"}),
    "file.started": ({"QUEUED"}, {"PROCESSING"}),
    "file.validated": ({"PROCESSING"}, {"TRANSFERRING", "COMPLETE", "INVALID", "ERROR"}),
    "file.rejected": ({"PROCESSING"}, {"INVALID"}),
    "file.transferred": ({"TRANSFERRING"}, {"TRANSFERRED"}),
    "file.registered": ({"TRANSFERRED"}, {"COMPLETE"}),
    "file.notify_failed": ({"TRANSFERRED"}, _SAME),
    "file.failed": ({*_WORKING}, {"ERROR"}),
    "file.retried": ({"ERROR"}, {*_WORKING}),
    "file.reprocessed": ({"COMPLETE", "INVALID", "ERROR"}, {"QUEUED"}),
    "file.damaged": ({"COMPLETE"}, {"ERROR"}),
    "file.restored": ({"ERROR"}, {"COMPLETE"}),
    "file.dismissed": ({"QUEUED", "INVALID", "ERROR"}, {"DISMISSED"}),
    "file.reopened": ({"DISMISSED"}, {"QUEUED", "INVALID", "ERROR"}),
    "file.witnessed": ({*_FILE}, _SAME),
    "file.deferred": ({*_WORKING}, _SAME),
    **dict.fromkeys(_REMARKS, (_KNOWN, _SAME)),
    "file.paired": ({None, *_FILE}, _SAME),
    "file.attested": ({None, *_FILE}, _SAME),
    "stream.configured": ({None, *_STREAM}, {*_STREAM}),
    "stream.started": ({"Standby"}, {"Disabled"}),
    "stream.enabled": ({"Disabled"}, {"Enabled"}),
    "stream.disabled": ({"Enabled"}, {"Disabled"}),
    "stream.standby": ({"Disabled", "Offline", "Fault"}, {"Standby"}),
    "stream.offline": ({"Standby"}, {"Offline"}),
    "stream.faulted": ({"Offline", "Standby", "Disabled", "Enabled"}, {"Fault"}),
    "stream.held": ({*_STREAM}, _SAME),
    "stream.unheld": ({*_STREAM}, _SAME),
    "stream.silent": ({"Enabled"}, _SAME),
    "stream.heard": ({"Enabled"}, _SAME),
}  # fmt: skip


def is_legal(fact: str, fromstate: str | None, tostate: str | None) -> bool:
    """Whether this fact may lead there; what this table does not know, it does not judge."""
    if fact.endswith(".refused"):
        return fromstate == tostate
    pairs = op_lives.LIVES.get(fact)
    if pairs is not None:
        return (fromstate, tostate) in pairs
    life = _LIVES.get(fact)
    if life is None:
        return True
    sources, ends = life
    return fromstate in sources and (tostate == fromstate if ends is _SAME else tostate in ends)
