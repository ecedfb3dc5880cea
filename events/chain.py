"""The hash chain of a subject: each record carries SHA-256 over the previous link and its own bytes without it."""

from hashlib import sha256

__all__ = ["TAIL_BYTES", "BrokenChainError", "link", "seal", "verify"]

_OPEN = b',"chain":"'
_CLOSE = b'"}'
TAIL_BYTES = len(_OPEN) + 64 + len(_CLOSE)
"""Length of the last member; cut it off (and put the brace back) to get the bytes that were hashed."""


class BrokenChainError(ValueError):
    """A record does not follow from the one before it."""


def link(previous: str, body: bytes) -> str:
    """The next link, 64 hex digits: over the previous link (empty for the first record) and the encoded body."""
    digest = sha256(previous.encode())
    digest.update(body)
    return digest.hexdigest()


def seal(previous: str, body: bytes) -> tuple[bytes, str]:
    """The body with its link appended as the last member of the object, and the link."""
    chain = link(previous, body)
    return b"".join((body[:-1], _OPEN, chain.encode(), _CLOSE)), chain


def verify(previous: str, value: bytes) -> str:
    """The link of a sealed record; raises BrokenChainError if the bytes are not what was sealed after ``previous``."""
    tail = value[-TAIL_BYTES:]
    if not (tail.startswith(_OPEN) and tail.endswith(_CLOSE)):
        raise BrokenChainError(f"found {tail[:24]!r} at the end, wanted the member chain with 64 hex digits")
    stated = tail[len(_OPEN) : -len(_CLOSE)].decode("ascii", "replace")
    found = link(previous, value[:-TAIL_BYTES] + b"}")
    if stated != found:
        raise BrokenChainError(
            f"the record says {stated[:12]}…, its bytes after {previous[:12] or 'nothing'}… give {found[:12]}…"
        )
    return found
