"""The AsyncAPI 3.0 document: every topic as a channel with Kafka's settings, every message with its schema."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import yaml

from events.base import FACTS, REQUESTS, Payload, machine_of
from events.inbox import INBOX
from events.log import TopicSpec
from events.topic_specs import sender_specs, topic_specs
from events.topics import MACHINES, Topics

__all__ = ["asyncapi", "document"]

CONTENT = "application/cloudevents+json; charset=UTF-8"
SCHEMA_FORMAT = "application/schema+json;version=2020-12"
KAFKA_BINDING = "0.5.0"
_SITE, _SENDER = "{site}", "{sender}"
PARAMETERS: dict[str, dict[str, str]] = {
    "site": {"default": "meridian", "description": "the installation's name, setting MERIDIAN_SITE"},
    "sender": {"description": "the name of an upstream system; each writes to its own inbox only"},
}


class _Spelled(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """Writes everything out where it stands: no anchors, which few readers of AsyncAPI expect."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def asyncapi() -> str:
    """The document as YAML."""
    head = "# Written by meridian schema write from the classes in events/; do not edit.\n"
    written: str = yaml.dump(document(), Dumper=_Spelled, sort_keys=False, allow_unicode=True, width=110)
    return head + written


def document() -> dict[str, Any]:
    """The document as plain objects."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Meridian",
            "version": "1",
            "description": "The life of every observing program and every file of an observatory, as an "
            "immutable log. The outside writes inbox.<sender> and reads answers.<sender>; the rest is shown for those "
            "who read the ledger.",
        },
        "defaultContentType": CONTENT,
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": dict(_messages())},
    }


def _channels() -> dict[str, Any]:
    topics = Topics(_SITE)
    configured = {spec.name: spec for spec in _specs()}
    channels = [
        _Channel("inbox", topics.inbox(_SENDER), "What a sender has to say.", _prefixed("inbox", INBOX)),
        _Channel(
            "answers",
            topics.answers(_SENDER),
            "What became of a sender's messages, by its event id.",
            ["answer"],
        ),
        _Channel(
            "deadletter",
            topics.deadletter,
            "Input that could not be taken: its bytes and the reason.",
            ["deadletter"],
        ),
    ]
    for machine in MACHINES:
        asked = f"What trusted parts ask of a {machine}; the key is the subject."
        kept = f"The ledger of the machine {machine}, kept for ever; only the decider writes it."
        requests, facts = _of(machine, REQUESTS), _of(machine, FACTS)
        channels += [
            _Channel(f"{machine}.requests", topics.requests(machine), asked, _prefixed("request", requests)),
            _Channel(f"{machine}.events", topics.events(machine), kept, _prefixed("event", facts)),
        ]
    return {channel.name: _written(channel, configured[channel.address]) for channel in channels}


class _Channel(NamedTuple):
    name: str
    address: str
    text: str
    messages: list[str]


def _prefixed(kind: str, names: Iterable[str]) -> list[str]:
    return [f"{kind}.{name}" for name in sorted(names)]


def _written(channel: _Channel, spec: TopicSpec) -> dict[str, Any]:
    address = channel.address
    return {
        "address": address,
        "description": channel.text,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in channel.messages},
        "parameters": {name: members for name, members in PARAMETERS.items() if f"{{{name}}}" in address},
        "bindings": {
            "kafka": {
                "partitions": spec.partitions,
                "topicConfiguration": _topic_configuration(spec.config),
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _topic_configuration(config: Mapping[str, str]) -> dict[str, Any]:
    """The settings that the binding knows, in its types."""
    numbers = ("retention.ms", "retention.bytes", "max.message.bytes")
    return {
        "cleanup.policy": [config["cleanup.policy"]],
        **{name: int(config[name]) for name in numbers if name in config},
    }


def _operations() -> dict[str, Any]:
    """Seen from Meridian: it receives what arrives and sends what it has to say."""
    operations = {
        "takeNotifications": ("receive", "inbox", "Announce files and the state of instruments."),
        "answerSenders": ("send", "answers", "Say what became of each message."),
        "setAside": ("send", "deadletter", "Keep what could not be taken, with its reason."),
    }
    for machine in MACHINES:
        operations[f"{machine}Requests"] = (
            "receive",
            f"{machine}.requests",
            f"Decide what is asked of a {machine}.",
        )
        operations[f"{machine}Events"] = (
            "send",
            f"{machine}.events",
            f"Write down what has happened to a {machine}.",
        )
    return {
        name: {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": text}
        for name, (action, channel, text) in operations.items()
    }


def _messages() -> Iterable[tuple[str, dict[str, Any]]]:
    for name, cls in sorted(INBOX.items()):
        yield f"inbox.{name}", _message(cls, "inbox", _envelope_of_the_door())
    for name, cls in sorted(REQUESTS.items()):
        yield f"request.{name}", _message(cls, "requests", {"$ref": "./envelopes/request.1.json"})
    for name, cls in sorted(FACTS.items()):
        yield f"event.{name}", _message(cls, "events", {"$ref": "./envelopes/record.1.json"})
    yield "answer", _answer()
    yield "deadletter", _dead_letter()


def _message(cls: type[Payload], kind: str, envelope: dict[str, Any]) -> dict[str, Any]:
    text = " ".join((cls.__doc__ or "").split())
    payload = {
        "allOf": [envelope],
        "type": "object",
        "properties": {
            "type": {"const": cls.name},
            "data": {"$ref": f"./{kind}/{cls.name}.{cls.version}.json"},
        },
    }
    return {
        "name": cls.name,
        "title": cls.__name__,
        "summary": text,
        "contentType": CONTENT,
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": payload},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": KAFKA_BINDING}},
    }


def _envelope_of_the_door() -> dict[str, Any]:
    """CloudEvents as any producer's library writes it, structured or binary."""
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {
                **text,
                "maxLength": 200,
                "description": "the sender's own; the same id again asks nothing new",
            },
            "source": {**text, "description": "the sender's name, or a path below it"},
            "type": text,
            "time": {"type": "string", "format": "date-time"},
        },
    }


def _answer() -> dict[str, Any]:
    names = {
        "event_id": "string",
        "request_id": "string",
        "subject": "string",
        "code": "string",
        "origin": "string",
    }
    properties: dict[str, Any] = {name: {"type": kind} for name, kind in names.items()}
    properties |= {
        "accepted": {"type": "boolean"},
        "time": {"type": "string", "format": "date-time"},
        "reasons": {"type": "array", "items": {"type": "string"}},
        "about": {"type": "object", "description": "the fact or refusal in the ledger that answers"},
    }
    schema = {"type": "object", "required": ["accepted", "time"], "properties": properties}
    return {
        "name": "answer",
        "summary": "What became of one message of a sender.",
        "contentType": "application/json",
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": schema},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": KAFKA_BINDING}},
    }


def _dead_letter() -> dict[str, Any]:
    headers = {
        name: {"type": "string"}
        for name in ("kind", "sender", "code", "reason", "origin-topic", "received-at", "sha256")
    }
    return {
        "name": "deadletter",
        "summary": "The bytes as they came, whatever they are.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": headers},
    }


def _of(machine: str, register: Iterable[str]) -> list[str]:
    return sorted(name for name in register if machine_of(name) == machine)


def _specs() -> Iterable[TopicSpec]:
    topics = Topics(_SITE)
    return [*topic_specs(topics, _PARTITIONS, ()), *sender_specs(topics, _SENDER)]


_PARTITIONS = {"file": 4, "group": 4, "identity": 2, "op": 2, "stream": 1}
