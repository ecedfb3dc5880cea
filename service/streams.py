"""Bringing streams into force: configured, their senders' topics made, started and enabled where that is wanted."""

from collections.abc import Sequence

from events.stream import ConfigureStream, EnableStream, StartStream, StreamConfiguration
from events.topic_specs import sender_specs
from projectors.outcome import Outcome
from service.client import Ask, Asked, Client

__all__ = ["bring_in_force"]

_STEPS = (("Standby", StartStream()), ("Disabled", EnableStream()))


def bring_in_force(
    client: Client, configurations: Sequence[StreamConfiguration], *, enable: bool
) -> list[Asked]:
    """Ask for each configuration; with ``enable`` go on to Enabled. What is so already is no refusal."""
    topics = client.wiring.topics
    senders = sorted({sender for each in configurations for sender in each.senders})
    client.log.ensure([spec for sender in senders for spec in sender_specs(topics, sender)])
    asked = client.ask([Ask(each.stream, ConfigureStream(configuration=each)) for each in configurations])
    return [_enabled(client, each) if enable else each for each in asked]


def _enabled(client: Client, configured: Asked) -> Asked:
    """The last answer on the way to Enabled."""
    answer = configured
    state = _state(configured.outcome)
    for where, request in _STEPS:
        if state == where:
            answer = client.ask([Ask(configured.ask.subject, request)], batch=configured.batch)[0]
            state = _state(answer.outcome)
    return answer


def _state(outcome: Outcome | None) -> str | None:
    return None if outcome is None else outcome.tostate
