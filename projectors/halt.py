"""Why a follower stops: what it can't pass, and that it is no longer the owner."""

from typing import Any

from projectors.halt_codes import known_code

__all__ = ["FollowerError", "HaltError", "LostPositionError"]


class FollowerError(Exception):
    """A follower can't go on."""


class HaltError(FollowerError):
    """Something stands on the log (or is missing from it) that must not be passed over; a person decides.

    ``code`` is one of ``HALTS``, ``details`` is what ``recover`` needs to lead on.
    """

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(f"{message}; see meridian recover --explain")
        self.code = known_code(code)
        self.message = message
        self.details = details


class LostPositionError(FollowerError):
    """Another follower owns the position now; this one stops, nothing is lost."""
