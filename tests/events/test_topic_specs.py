"""Topics are made as the design wants them: the ledger for ever, the door for a while, large input not lost."""

from events.envelope import RECORD_BYTES_AT_MOST
from events.topic_specs import INPUT_BYTES_AT_MOST, topic_specs
from events.topics import Topics

DAY_MS = 24 * 3600 * 1000
SPECS = {spec.name: spec for spec in topic_specs(Topics("s"), {"file": 4, "stream": 1}, ["roman-soc"])}


def test_every_topic_of_the_site_is_there():
    assert {name: spec.partitions for name, spec in SPECS.items()} == {
        "s.deadletter": 1,
        "s.file.requests": 4,
        "s.file.events": 4,
        "s.stream.requests": 1,
        "s.stream.events": 1,
        "s.inbox.roman-soc": 4,
        "s.answers.roman-soc": 1,
    }


def test_the_ledger_and_deadletter_are_kept_for_ever_and_the_rest_for_a_while():
    kept = {name: int(spec.config["retention.ms"]) for name, spec in SPECS.items()}

    assert kept["s.file.events"] == kept["s.stream.events"] == kept["s.deadletter"] == -1
    assert kept["s.file.requests"] == 30 * DAY_MS
    assert kept["s.inbox.roman-soc"] == kept["s.answers.roman-soc"] == 7 * DAY_MS


def test_nothing_is_ever_compacted_or_dropped_for_its_size():
    for spec in SPECS.values():
        assert spec.config["cleanup.policy"] == "delete"
        assert spec.config["retention.bytes"] == "-1"
        assert spec.config["unclean.leader.election.enable"] == "false"


def test_the_largest_messages_fit():
    largest = {name: int(spec.config["max.message.bytes"]) for name, spec in SPECS.items()}

    assert (
        largest["s.file.events"] > RECORD_BYTES_AT_MOST + 1024 * 1024
    )  # a batch that was nearly full before it
    assert largest["s.inbox.roman-soc"] > INPUT_BYTES_AT_MOST
    assert largest["s.deadletter"] > largest["s.inbox.roman-soc"]  # the input, with its origin and the reason
