"""What looks at the views now and then, and asks the decider for what should follow: its connections and its clock."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from consumers.sender import Sender
from events.topics import Topics

__all__ = ["Asker"]


class Asker:
    """The common part of Timers, Housekeeping and SilenceWatch. ``source`` stands in what they ask for."""

    def __init__(
        self, *, engine: Engine, sender: Sender, topics: Topics, clock: Callable[[], datetime], source: str
    ) -> None:
        self._engine = engine
        self._sender = sender
        self._topics = topics
        self._clock = clock
        self._source = source
