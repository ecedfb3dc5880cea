"""Who says which program a file belongs to, when it is public, and what of it does not fit its columns."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from consumers.claims import WorkItem
from consumers.effects.describing import described, embargo, purpose_of
from consumers.effects.pictures import wants_preview
from consumers.lookups import Lookups
from events.file import Brief
from events.preview_policy import Previews
from events.stream import PatternRule, StreamConfiguration
from events.types import WarningFinding
from projectors.file_metadata import WIDTHS
from tests.consumers.program_server import program_server

README = Path(__file__).resolve().parents[2] / "README.md"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
START = "2026-11-21T05:00:00.000000Z"


def brief(**more) -> Brief:
    return Brief.model_validate({"content": {"uri": "file:///a.fits"}, **more})


def stream(**metadata) -> StreamConfiguration:
    return StreamConfiguration.model_validate({"stream": "keck", "metadata": metadata})


def item() -> WorkItem:
    return WorkItem(
        event_id="e", effect="ingest", subject="keck/a", stream="keck", version=2, attempt=3, sequence=1,
        work_class="normal", created_at=NOW, try_number=1, report_id="r", lease_owner="w", lease_epoch=1, payload={},
    )  # fmt: skip


RULES = [
    {"name": "twilight", "program": "CAL", "match": {"target": "TWI.*"}},
    {"name": "spring", "program": "P-1", "match": {"instrument": "KCWI"}, "until": "2026-06-01T00:00:00Z"},
    {"name": "autumn", "program": "P-2", "match": {"instrument": "KCWI", "GRATING": "B[ML]"}},
]


@pytest.mark.parametrize(
    ("told", "program", "by"),
    [
        ({"program": "P-0", "target": "TWI"}, "P-0", "file"),
        ({"program": "  ", "target": "TWIFLAT"}, "CAL", "rule:twilight"),
        ({"target": "A TWI"}, None, None),
        ({"instrument": "KCWI", "obs_start_utc": "2026-05-31T23:59:59Z"}, "P-1", "rule:spring"),
        ({"instrument": "KCWI", "obs_start_utc": START, "extra": {"GRATING": "BM"}}, "P-2", "rule:autumn"),
        ({"instrument": "KCWI", "obs_start_utc": START, "extra": {"GRATING": "RL"}}, None, None),
        ({"instrument": "KCWI", "extra": {"GRATING": "BL"}}, "P-2", "rule:autumn"),
    ],
)
def test_the_file_knows_better_than_the_rules_and_the_first_rule_counts(told, program, by):
    found = described(told, brief(), stream(program_rules=RULES), Lookups())
    assert (found.metadata["program"], found.metadata["program_by"]) == (program, by)
    assert found.lookup_s is None


def test_an_operator_knows_best():
    by_hand = brief(overrides={"program": "P-9"})
    found = described({"program": "P-0"}, by_hand, stream(program_rules=RULES), Lookups())
    assert (found.metadata["program"], found.metadata["program_by"]) == ("P-9", "operator")


def test_a_service_is_asked_for_what_nobody_here_knows_and_its_time_is_told():
    with program_server() as server:
        server.known = {"M31": "P-7"}
        asked = {"name": "proposals", "url": server.url, "keys": ["target"]}
        found = described({"target": "M31"}, brief(), stream(program_service=asked), Lookups())
    assert (found.metadata["program"], found.metadata["program_by"]) == ("P-7", "service:proposals")
    assert found.lookup_s is not None
    assert found.lookup_s > 0


def test_a_service_that_is_away_is_a_warning_beside_that_of_the_missing_program():
    asked = {"name": "proposals", "url": "http://127.0.0.1:9/", "keys": ["target"]}
    needs = {"science": {"program": "required"}}
    found = described({"target": "M31"}, brief(), stream(program_service=asked, by_purpose=needs), Lookups())
    assert [each.code for each in found.warnings] == ["LOOKUP_FAILED", "PROGRAM_MISSING"]


@pytest.mark.parametrize(("purpose", "codes"), [("science", ["PROGRAM_MISSING"]), ("calibration", [])])
def test_only_a_purpose_that_needs_a_program_misses_it(purpose, codes):
    needs = {"science": {"program": "required"}, "calibration": {"program": "optional"}}
    found = described({}, brief(purpose=purpose), stream(by_purpose=needs), Lookups())
    assert [each.code for each in found.warnings] == codes


@pytest.mark.parametrize("name", WIDTHS)
def test_what_is_wider_than_its_column_is_a_warning_with_the_column_and_its_width(name):
    told = {name: "x" * (WIDTHS[name] + 1)}
    found = described(told, brief(), stream(), Lookups())
    if name == "program_by":
        assert found.warnings == ()
        return
    (warning,) = found.warnings
    assert (warning.code, warning.keyword) == ("METADATA_TOO_LONG", name)
    assert str(WIDTHS[name]) in (warning.wanted or "")
    assert found.metadata[name] == told[name]


OWN = WarningFinding(code="PROGRAM_MISSING", message="PROGID is blank")
OTHER = WarningFinding(code="NOT_ASCII", message="a comment")


def test_a_program_that_a_rule_knows_is_not_missing():
    ruled = described({"target": "TWI"}, brief(), stream(program_rules=RULES), Lookups())
    assert ruled.beside([OWN, OTHER]) == (OTHER,)
    unknown = described({}, brief(), stream(program_rules=RULES), Lookups())
    assert unknown.beside([OWN, OTHER]) == (OWN, OTHER)
    needed = described({}, brief(), stream(by_purpose={"science": {"program": "required"}}), Lookups())
    assert needed.beside([OWN, OTHER]) == (OTHER, *needed.warnings)


def test_a_companion_needs_no_program_and_no_service_is_asked_for_it():
    asked = {"name": "proposals", "url": "http://127.0.0.1:9/", "keys": ["target"]}
    needs = {"science": {"program": "required"}}
    found = described({}, brief(role="sidecar"), stream(program_service=asked, by_purpose=needs), Lookups())
    assert (found.warnings, found.lookup_s) == ((), None)


KECK = {"science": {"embargo_hours": 18 * 730}, "engineering": {}}


def test_an_embargo_runs_from_the_observation_and_is_the_same_request_each_time():
    told = {"obs_start_utc": START}
    (first,) = embargo(item(), told, brief(), stream(by_purpose=KECK), NOW)
    (second,) = embargo(item(), told, brief(), stream(by_purpose=KECK), NOW + timedelta(days=1))
    until = datetime(2026, 11, 21, 5, tzinfo=UTC) + timedelta(hours=18 * 730)
    assert datetime.fromisoformat(first.request.wire()["until"]) == until
    assert (first.id, first.request) == (second.id, second.request)
    assert "science" in first.request.wire()["policy"]


def test_an_embargo_that_is_over_or_not_wanted_is_not_asked_for():
    old = {"obs_start_utc": "2020-01-01T00:00:00Z"}
    assert not list(embargo(item(), old, brief(), stream(by_purpose=KECK), NOW))
    told = {"obs_start_utc": START}
    assert not list(embargo(item(), told, brief(purpose="engineering"), stream(by_purpose=KECK), NOW))
    assert not list(embargo(item(), told, brief(), stream(), NOW))


def test_the_streams_rules_say_what_a_file_is_for_and_else_the_file_does():
    own = {"purpose": "calibration"}
    ruled = StreamConfiguration.model_validate(
        {"stream": "a", "purposes": [{"pattern": "x", "value": "test"}]}
    )
    assert purpose_of(own, brief(), stream()) == "calibration"
    assert purpose_of(own, brief(purpose="test"), ruled) == "test"
    assert purpose_of({"purpose": "fun"}, brief(), stream()) == "science"


def test_pictures_are_made_by_the_same_purpose():
    """A bias frame of a stream without rules of its own says itself that it is none for science."""
    wanted = StreamConfiguration(stream="keck", previews=Previews(purposes=("science",)))
    bias = {"purpose": "calibration"}
    assert wants_preview({}, brief(), wanted, "application/fits") is True
    assert wants_preview(bias, brief(), wanted, "application/fits") is None
    by_rule = wanted.model_copy(update={"purposes": (PatternRule(pattern=".*", value="science"),)})
    assert wants_preview(bias, brief(), by_rule, "application/fits") is True
    assert wants_preview({}, brief(role="sidecar"), wanted, "application/fits") is None
    assert wants_preview({}, brief(), wanted, "text/plain") is None


def test_the_readmes_example_is_a_configuration():
    told = README.read_text("utf-8").partition("## Purpose, program, embargo, pictures")[2]
    members = tomllib.loads(told.partition("```toml")[2].partition("```")[0])
    configuration = StreamConfiguration.model_validate({"stream": "keck", **members})
    assert configuration.metadata.program_service is not None
    assert configuration.previews is not None
    found = described({"target": "TWI-1"}, brief(), configuration, Lookups())
    assert (found.metadata["program"], found.metadata["program_by"]) == ("CAL-7", "rule:twilight")
