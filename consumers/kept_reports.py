"""Reports as they stand with their items until their outcome is known: the bytes that were sent, long ones deflated.

A verdict has some 3,000 bytes, and the database takes three times as long to keep them as to keep what they deflate to.
"""

import zlib

from events.envelope import UndecodableError

__all__ = ["as_kept", "as_sent"]

LONG = 1500
_DEFLATED = zlib.compress(b"", 1)[:2]
"""How what is deflated begins; a request begins with a brace."""


def as_kept(report: bytes) -> bytes:
    """What is written down of a report that was sent."""
    return zlib.compress(report, 1) if len(report) >= LONG else report


def as_sent(kept: bytes) -> bytes:
    """The report's bytes as they were sent. Raises UndecodableError."""
    if not kept.startswith(_DEFLATED):
        return kept
    try:
        return zlib.decompress(kept)
    except zlib.error as error:
        raise UndecodableError(f"a report as it was kept: {error}") from error
