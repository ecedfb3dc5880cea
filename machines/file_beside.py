"""What is said of a file by others than its bytes: taken in any state, also before the file itself is known."""

from events.base import Fact
from machines.file_life import FILE_LIFE
from machines.file_state import File, FileState
from machines.ruling import Accepted, Refusal

__all__ = ["no_news", "taken"]


def taken(file: File, fact: Fact) -> Accepted:
    """The fact; the newest version, if there is one, stays in its state."""
    newest = file.newest
    state = newest.state if newest else FileState.NOTHING
    FILE_LIFE.after(fact.name, state, state)
    if newest is None:
        return Accepted(fact, None, None)
    return Accepted(fact, state.value, state.value, newest.number, newest.attempt)


def no_news(file: File, reason: str) -> Refusal:
    """It is known already, or something newer is."""
    newest = file.newest
    state = newest.state if newest else FileState.NOTHING
    told = newest.state.value if newest else None
    return Refusal((reason,), told, FILE_LIFE.allowed(state), version=newest.number if newest else None)
