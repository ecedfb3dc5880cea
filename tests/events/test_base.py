"""The vocabulary: each wire name is one class, frozen, and closed against what it does not know."""

from typing import ClassVar

import pytest
from pydantic import ValidationError

from events.base import FACTS, REQUESTS, Fact, Request, TakenNameError, machine_of
from events.file import FileNoted
from events.inbox import INBOX


def test_a_taken_name_is_refused_and_both_classes_are_named():
    with pytest.raises(TakenNameError, match=r"file\.noted: wanted by .*Another, held by FileNoted"):

        class Another(Fact):
            name: ClassVar[str] = "file.noted"

    assert FACTS["file.noted"] is FileNoted


def test_a_report_may_bear_the_name_of_the_fact_it_leads_to():
    fact, report = FACTS["file.validated"], REQUESTS["file.validated"]

    assert fact.name == report.name
    assert issubclass(fact, Fact)
    assert issubclass(report, Request)


def test_a_class_without_a_name_of_its_own_is_not_registered():
    before = dict(FACTS)

    class Abstract(Fact):
        """A step between the base and the classes with names."""

    assert before == FACTS


@pytest.mark.parametrize("cls", [*FACTS.values(), *REQUESTS.values()], ids=lambda cls: cls.name)
def test_every_class_is_found_under_its_name_and_belongs_to_a_machine(cls):
    register = FACTS if issubclass(cls, Fact) else REQUESTS
    machine, _, word = cls.name.partition(".")

    assert register[cls.name] is cls
    assert machine_of(cls.name) == machine
    assert word.replace("_", "").isalpha()
    assert cls.__doc__
    assert cls.schema_id() == f"/schemas/{cls.name}/{cls.version}"
    assert cls.version >= 1
    assert issubclass(cls, Fact | Request)


def test_a_payload_is_frozen_and_closed():
    note = FileNoted(text="cloudy")

    with pytest.raises(ValidationError):
        note.text = "clear"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="mood"):
        FileNoted.read({"text": "cloudy", "mood": "bad"})


@pytest.mark.parametrize("cls", [*FACTS.values(), *REQUESTS.values()], ids=lambda cls: cls.name)
def test_every_class_has_a_json_schema(cls):
    schema = cls.model_json_schema()

    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False


def _unbounded(schema: object, path: str = "") -> list[str]:
    if isinstance(schema, list):
        return [found for each in schema for found in _unbounded(each, path)]
    if not isinstance(schema, dict):
        return []
    here = [path] if schema.get("type") == "integer" and "maximum" not in schema else []
    return here + [found for name, each in schema.items() for found in _unbounded(each, f"{path}/{name}")]


def test_no_sender_can_tell_a_number_that_no_column_takes():
    assert {name: _unbounded(known.model_json_schema()) for name, known in INBOX.items()} == {
        name: [] for name in INBOX
    }
