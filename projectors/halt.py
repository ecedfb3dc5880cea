"""Why a follower stops: what it can't pass, and that it is no longer the owner."""

__all__ = ["FollowerError", "HaltError", "LostPositionError"]


class FollowerError(Exception):
    """A follower can't go on."""


class HaltError(FollowerError):
    """Something stands on the log (or is missing from it) that must not be passed over; a person decides."""


class LostPositionError(FollowerError):
    """Another follower owns the position now; this one stops, nothing is lost."""
