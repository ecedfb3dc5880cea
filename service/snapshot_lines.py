"""What the decider saves, as lines of COPY."""

from projectors.copy_text import NULL, json_cell, text_cell
from service.decider.store import OutcomeRow

__all__ = ["outcome_line", "snapshot_line"]


def snapshot_line(subject: str, sequence: int, state: bytes) -> bytes:
    """A subject's state."""
    # orjson leaves no control characters, only backslashes of its own
    return b"%s\t%d\t%s\n" % (text_cell(subject).encode(), sequence, state.replace(b"\\", b"\\\\"))


def outcome_line(row: OutcomeRow) -> str:
    """A decided request. Ids, digest, type, state and time are our own words: nothing in them is to be escaped."""
    tostate = NULL if row.tostate is None else row.tostate
    version = NULL if row.version is None else row.version
    refusal = NULL if row.refusal is None else json_cell(row.refusal)
    return (
        f"{row.record_id}\t{row.ledger_offset}\t{row.sequence}\t{row.request_digest}\t{row.type}\t{tostate}\t"
        f"{version}\t{refusal}\t{row.decided_at}\n"
    )
