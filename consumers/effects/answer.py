"""Answers: what became of a sender's message, on ``answers.<sender>``, keyed by its own event id."""

from datetime import timedelta

from consumers.answer import Answer
from consumers.claims import WorkItem
from consumers.sender import Outgoing
from consumers.tools import Tools

__all__ = ["answer"]

KEPT = timedelta(days=7)
"""As long as the topic keeps answers; nobody waits for older ones."""

_NOT_ACCEPTED = {
    "file.refused",
    "file.rejected",
    "file.failed",
    "file.conflicted",
    "op.refused",
    "group.refused",
}


def answer(item: WorkItem, tools: Tools) -> Outgoing | None:
    """The answer to be sent; None where nobody can read it."""
    told = item.payload["told"]
    sender = item.payload.get("sender") or item.sender
    event_id = item.payload.get("event_id") or item.sender_event_id
    if sender is None or event_id is None or tools.clock() - item.created_at > KEPT:
        return None
    topic = tools.topics.answers(sender)
    if not _is_there(tools, topic):
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


def _is_there(tools: Tools, topic: str) -> bool:
    """Topics of senders are made once and stay, so only a missing one is looked for again."""
    if not tools.answer_topics.get(topic):
        tools.answer_topics[topic] = topic in tools.log.partitions([topic])
    return tools.answer_topics[topic]
