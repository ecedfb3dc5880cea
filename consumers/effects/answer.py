"""Answers: what became of a sender's message, on ``answers.<sender>``, keyed by its own event id."""

import re
from collections.abc import Iterable
from datetime import timedelta

from consumers.answer import Answer
from consumers.claims import WorkItem
from consumers.sender import Outgoing
from consumers.tools import Tools

__all__ = ["answer", "look_for_topics"]

KEPT = timedelta(days=7)
"""As long as the topic keeps answers; nobody waits for older ones."""

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""Names that Kafka takes. People may be called otherwise; asked for such a topic, it refuses the whole question."""

_NOT_ACCEPTED = {
    "file.refused",
    "file.rejected",
    "file.failed",
    "file.conflicted",
    "op.refused",
    "group.refused",
    "stream.refused",
}


def look_for_topics(items: Iterable[WorkItem], tools: Tools) -> None:
    """Whether the senders of these have topics of their own: one question for all of them. Raises LogError.

    Topics of senders are made once and stay, so only those that were missing are looked for again.
    """
    wanted = {tools.topics.answers(sender) for sender in map(_sender, items) if sender is not None}
    unknown = sorted(
        topic for topic in wanted if _TOPIC.fullmatch(topic) and not tools.answer_topics.get(topic)
    )
    if unknown:
        found = tools.log.partitions(unknown)
        tools.answer_topics.update({topic: topic in found for topic in unknown})


def answer(item: WorkItem, tools: Tools) -> Outgoing | None:
    """The answer to be sent; None where nobody can read it, by the last look for its sender's topic."""
    told = item.payload["told"]
    sender = _sender(item)
    event_id = item.payload.get("event_id") or item.sender_event_id
    if sender is None or event_id is None or tools.clock() - item.created_at > KEPT:
        return None
    topic = tools.topics.answers(sender)
    if not tools.answer_topics.get(topic):
        return None  # an operator, or a part of ours: whoever asked that way has other means to learn of the outcome
    kind = item.payload["type"]
    about = {
        "type": kind,
        "id": item.event_id,
        "sequence": item.sequence,
        "state": item.payload.get("state"),
        "version": item.version,
        "attempt": item.attempt,
        **{name: value for name, value in told.items() if name not in {"code", "reasons"}},
    }
    reasons = told.get("reasons") or ([told["message"]] if "message" in told else [])
    return _outgoing(
        topic,
        Answer(
            accepted=kind not in _NOT_ACCEPTED,
            event_id=event_id,
            at=item.created_at,
            request_id=item.payload.get("request_id"),
            subject=item.subject,
            code=told.get("code"),
            reasons=tuple(reasons),
            about={name: value for name, value in about.items() if value is not None},
        ),
    )


def _outgoing(topic: str, given: Answer) -> Outgoing:
    return topic, given.key, given.encode()


def _sender(item: WorkItem) -> str | None:
    return item.payload.get("sender") or item.sender
