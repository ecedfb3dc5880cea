"""The rules of a stream's configuration, as the checks of one file are told them."""

from datetime import datetime

from consumers.checks.judging import Judging, Rule
from events.stream import StreamConfiguration
from events.types import format_time

__all__ = ["judging_of"]


def judging_of(
    configuration: StreamConfiguration, *, purpose: str | None = None, at: datetime | None = None
) -> Judging:
    """How files of this stream are judged. ``purpose`` counts where the stream has rules for it."""
    rules = tuple(Rule.from_plain(rule.model_dump(mode="json")) for rule in configuration.qa)
    by_stream = purpose if configuration.purposes else None
    return Judging(rules, by_stream, None if at is None else format_time(at))
