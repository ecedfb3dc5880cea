"""Topics of senders: who may speak for a stream has an inbox to write to, and answers to read."""

from consumers.claims import WorkItem
from consumers.tools import Tools
from events.topic_specs import sender_specs

__all__ = ["make_topics"]


def make_topics(item: WorkItem, tools: Tools) -> None:
    """Make those that are missing; raises LogError."""
    specs = [spec for sender in item.payload["senders"] for spec in sender_specs(tools.topics, sender)]
    if specs:
        tools.log.ensure(specs)
