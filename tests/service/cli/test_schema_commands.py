"""``schemas/`` is what the code says, and is well-formed for those who read it."""

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

import schemas
from events import upcast as upcasts
from events.base import FACTS, REQUESTS
from events.envelope import encode_request
from events.file_requests import RetryFile
from events.inbox import INBOX
from events.types import format_time
from service import schema_writer
from service.asyncapi import document
from tests.service.cli.command_line import meridian
from tests.service.test_why import NOW

HISTORIES = Path(__file__).resolve().parents[2] / "events" / "histories"
DOCUMENTS = schema_writer.documents()
JSON = {path: json.loads(text) for path, text in DOCUMENTS.items() if path.endswith(".json")}


def test_the_files_are_what_the_code_says():
    assert schema_writer.differences() == []


def test_the_same_vocabulary_gives_the_same_bytes():
    assert schema_writer.documents() == DOCUMENTS


def test_there_is_a_schema_for_every_message():
    wanted = [
        *(f"events/{name}" for name in FACTS),
        *(f"requests/{name}" for name in REQUESTS),
        *(f"inbox/{name}" for name in INBOX),
    ]
    found = {path.rsplit(".", 2)[0] for path in JSON}
    assert set(wanted) <= found


@pytest.mark.parametrize("path", list(JSON))
def test_each_is_a_schema_of_2020_12_with_name_id_and_meaning(path):
    schema = JSON[path]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].startswith("/schemas/")
    assert schema["title"]
    assert schema["description"].endswith(".")


def test_the_id_of_a_fact_is_what_records_name_as_their_schema():
    for name, cls in FACTS.items():
        assert JSON[f"events/{name}.{cls.version}.json"]["$id"] == cls.schema_id()


def test_a_request_as_it_is_sent_fits_its_envelope_and_its_payload():
    value = json.loads(
        encode_request(
            id="00000000-0000-4000-8000-000000000000", type="file.retry", subject="a/b", actor="ada", source="cli",
            at=NOW, data=RetryFile(due_sequence=3).wire(), reason="once more",
        )
    )  # fmt: skip
    Draft202012Validator(schemas.load("request", kind="envelopes")).validate(value)
    Draft202012Validator(schemas.load("file.retry", kind="requests")).validate(value["data"])
    assert value["time"] == format_time(NOW)


def test_what_has_no_schema_is_a_key_error():
    with pytest.raises(KeyError, match="schema list"):
        schemas.load("file.unheard")
    with pytest.raises(KeyError, match="wanted one of"):
        schemas.load("file.started", kind="facts")


def test_a_stale_file_a_missing_one_and_a_stranger_are_named(tmp_path):
    schema_writer.write(tmp_path)
    assert schema_writer.differences(tmp_path) == []
    (tmp_path / "events" / "file.started.1.json").write_text("{}")
    (tmp_path / "events" / "file.held.1.json").unlink()
    (tmp_path / "events" / "file.vanished.1.json").write_text("{}")
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "a.valid.json").write_text("{}")  # written by hand: not ours to judge
    assert schema_writer.differences(tmp_path) == [
        "events/file.held.1.json is missing",
        "events/file.started.1.json is not what the code says",
        "events/file.vanished.1.json belongs to no message",
    ]


def test_writing_mends_all_of_it_and_nothing_else(tmp_path):
    schema_writer.write(tmp_path)
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "a.valid.json").write_text("{}")
    (tmp_path / "events" / "file.vanished.1.json").write_text("{}")
    (tmp_path / "events" / "file.held.1.json").write_text("{}")
    assert schema_writer.write(tmp_path) == ["events/file.vanished.1.json", "events/file.held.1.json"]
    assert schema_writer.differences(tmp_path) == []
    assert (tmp_path / "samples" / "a.valid.json").exists()


def test_a_schema_of_an_earlier_version_stays(tmp_path):
    schema_writer.write(tmp_path)
    (tmp_path / "events" / "file.arrived.1.json").write_text("{}")
    assert schema_writer.differences(tmp_path) == []


def test_the_commands_list_show_and_check(capsys):
    listed = meridian(capsys, "schema", "list", "-o", "ids").out.split()
    assert sorted(listed) == sorted([*JSON, *schema_writer.kept()])
    shown = json.loads(meridian(capsys, "schema", "show", "file.arrived", "--kind", "inbox").out)
    assert shown == JSON["inbox/file.arrived.1.json"]
    assert meridian(capsys, "schema", "check").code == 0
    assert meridian(capsys, "schema", "show", "file.unheard").code == 2


# --- AsyncAPI 3.0


def test_a_name_of_several_kinds_says_so_and_a_version_is_found_where_it_is(capsys):
    said = meridian(capsys, "schema", "show", "file.arrived")
    assert json.loads(said.out) == JSON["events/file.arrived.2.json"]
    assert "there is one of inbox too: --kind inbox" in said.err
    first = json.loads(meridian(capsys, "schema", "show", "file.arrived", "1").out)
    assert first["$id"] == "/schemas/file.arrived/1"
    unknown = meridian(capsys, "schema", "show", "file.arrived", "17")
    assert (unknown.code, "found no version 17 of file.arrived" in unknown.err) == (2, True)


@pytest.mark.parametrize("path", [*list(JSON)[::40], *schema_writer.kept(), "inbox/file.arrived.1.json"])
def test_each_is_shown_by_its_path_and_by_the_id_that_messages_name(capsys, path):
    said = meridian(capsys, "schema", "show", path)
    shown = json.loads(said.out)
    kind, _, rest = path.removesuffix(".json").partition("/")
    assert (said.err, shown["$id"].endswith(f"/{rest.rsplit('.', 1)[1]}")) == ("", True)
    by_id = meridian(capsys, "schema", "show", shown["$id"], *(("--kind", kind) if kind == "events" else ()))
    assert json.loads(by_id.out) == shown


def test_no_two_have_one_id():
    kept = [json.loads(text) for text in schema_writer.kept().values()]
    ids = [each["$id"] for each in (*JSON.values(), *kept)]
    assert sorted(set(ids)) == sorted(ids)


def test_what_the_door_takes_is_published_under_the_name_that_samples_and_refusals_give():
    for sample in sorted((schema_writer.FOLDER / "samples").glob("*.valid.json")):
        event = json.loads(sample.read_text("utf-8"))
        if "dataschema" in event:
            schema = JSON[f"inbox/{event['type']}.1.json"]
            Draft202012Validator(schema).validate(event["data"])
            assert event["dataschema"] == schema["$id"] == INBOX[event["type"]].schema_id()


def test_a_version_that_records_may_still_have_is_published_and_describes_them():
    kept = {path: json.loads(text) for path, text in schema_writer.kept().items()}
    assert set(kept) == {f"events/{name}.{version}.json" for name, version in upcasts._STEPS}
    for name, version in upcasts._STEPS:
        records = [
            json.loads(line) for line in (HISTORIES / f"{name}.{version}.ndjson").read_text().splitlines()
        ]
        own = [each for each in records if each["dataschema"] == f"/schemas/{name}/{version}"]
        assert own
        for each in own:
            Draft202012Validator(kept[f"events/{name}.{version}.json"]).validate(each["data"])


def test_the_asyncapi_document_is_yaml_without_anchors(capsys):
    text = DOCUMENTS["asyncapi.yaml"]
    assert yaml.safe_load(text) == document()
    assert json.loads(meridian(capsys, "schema", "show", "asyncapi", "-o", "json").out) == document()
    assert meridian(capsys, "schema", "show", "asyncapi").out == text
    assert not re.search(r": [&*]id\d+", text)


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for member in value.values() for each in references(member)]
    return [each for member in value for each in references(member)] if isinstance(value, list) else []


def test_every_reference_in_it_leads_somewhere():
    whole = document()
    for reference in references(whole):
        if reference.startswith("#/"):
            step: object = whole
            for name in reference.removeprefix("#/").split("/"):
                assert isinstance(step, dict)
                step = step[name]
        else:
            assert reference.removeprefix("./") in DOCUMENTS, reference


def test_it_has_the_shape_that_asyncapi_3_wants():
    whole = document()
    assert whole["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= whole["info"].keys()
    name = re.compile(r"^[\w.\-]+$")
    for channel_name, channel in whole["channels"].items():
        assert name.match(channel_name)
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == channel["parameters"].keys()
        assert channel["messages"]
    for operation in whole["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in whole["channels"]
    for message_name, message in whole["components"]["messages"].items():
        assert name.match(message_name)
        assert message["contentType"]


def test_every_message_is_on_a_channel():
    whole = document()
    on_channels = {name for channel in whole["channels"].values() for name in channel["messages"]}
    assert on_channels == whole["components"]["messages"].keys()
