"""What a sender is told: a refusal of any machine is none of its acceptances."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from consumers.effects.answer import answer
from events.base import FACTS
from events.topics import Topics

TOPICS = Topics("t")
NOW = datetime(2026, 11, 22, tzinfo=UTC)


REFUSALS = sorted(name for name in FACTS if name.endswith(".refused") and name != "identity.refused")
"""Of what a sender may ask for; identities are asked for by our own workers."""


@pytest.mark.parametrize("kind", [*REFUSALS, "stream.offline", "file.arrived"])
def test_only_what_led_to_a_fact_is_accepted(kind):
    payload = {"type": kind, "state": "X", "told": {}, "sender": "soc", "event_id": "7", "request_id": "r"}
    item: Any = SimpleNamespace(
        payload=payload, sender=None, sender_event_id=None, created_at=NOW, subject="roman", version=None,
        attempt=None, event_id="e", sequence=3,
    )  # fmt: skip
    tools: Any = SimpleNamespace(
        topics=TOPICS, answer_topics={TOPICS.answers("soc"): True}, clock=lambda: NOW
    )
    outgoing = answer(item, tools)
    assert outgoing is not None
    assert orjson.loads(outgoing[2])["accepted"] is (kind not in REFUSALS)
