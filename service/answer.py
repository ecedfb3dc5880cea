"""An answer to ``why`` of a plain shape: a state, since when, its reason, who has to act, and what would help."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from service.helping import NOBODY, Help, help_lines
from service.wording import human_time

__all__ = ["Answer", "answer_lines"]


@dataclass(frozen=True, slots=True)
class Answer:
    """``state`` None: nothing is known of it. ``again_at``: UTC, when it is looked at again by itself."""

    subject: str
    state: str | None
    since_at: datetime | None
    because: str
    who: str = NOBODY
    again_at: datetime | None = None
    evidence: tuple[str, ...] = ()
    help: tuple[Help, ...] = ()


def answer_lines(answer: Answer) -> Iterator[str]:
    """The answer in lines for people."""
    since = "" if answer.since_at is None else f" since {human_time(answer.since_at)}"
    yield f"{answer.subject}: {'not known' if answer.state is None else answer.state}{since}"
    yield f"  because {answer.because}"
    yield from (f"  {each}" for each in answer.evidence)
    if answer.again_at is not None:
        yield f"  looked at again at {human_time(answer.again_at)}"
    if answer.who != NOBODY:
        yield f"  {answer.who} has to act"
    yield from help_lines(answer.help)
