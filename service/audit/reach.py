"""What the auditor reaches for, in words of its own, so that its processes need none of ours to begin."""

from typing import NamedTuple

__all__ = ["AwayError", "DatabaseAwayError", "LogAwayError", "Place"]


class Place(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class AwayError(Exception):
    """A server does not answer; the message says which, and what would help."""


class LogAwayError(AwayError):
    """Kafka does not answer, or has not what it should have."""


class DatabaseAwayError(AwayError):
    """PostgreSQL does not answer."""
