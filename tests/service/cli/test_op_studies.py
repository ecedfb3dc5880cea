"""``meridian op what-if`` and ``op readiness-study`` on a catalogue's file, without any server."""

import csv
import io
import json

import pytest

from consumers.policies import criteria
from service.cli.errors import FINE, WRONG_USE
from service.judging_again import counterpart
from tests.consumers.catalogue.making import a_record, write_catalogue
from tests.service.cli.command_line import meridian


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch, tmp_path):
    for name, value in {"KAFKA": "127.0.0.1:9", "DATABASE": "postgresql://127.0.0.1:9/x"}.items():
        monkeypatch.setenv(f"MERIDIAN_{name}", value)
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path / "site"))


def other_criteria(path, **health):
    members = criteria().model_dump(mode="json", by_alias=True)
    rules = [{**each, **(health if each["name"] == "health" else {})} for each in members["criterion"]]
    path.write_text(json.dumps({**members, "version": 2, "criterion": rules}))
    return str(path)


@pytest.fixture
def catalogue(tmp_path):
    ill = {"bad": 120, "ill": None, "good": 280, "unknown": None}  # 70 %
    found = [
        a_record("A1", "op1", "id.1"),
        a_record("B1", "op2", "id.2", health=ill, createDate="2023-02-01T00:00:00"),
        a_record("B2", "op2", "id.2", createDate="2023-02-11T00:00:00"),
        a_record("C1", "op3", "id.3", instrumentName="VBI", createDate=None),
    ]
    return str(write_catalogue(tmp_path / "datasets.json", found))


def test_other_criteria_tell_which_ops_flip_and_why(capsys, tmp_path, catalogue):
    lower = other_criteria(tmp_path / "lower.json", threshold=0.7)
    said = meridian(capsys, "op", "what-if", "--criteria", lower, "--catalogue", catalogue, "-o", "json")
    assert said.code == FINE, said
    told = json.loads(said.out)
    assert told["flips"] == [
        {
            "op": "op2", "before": "fail", "after": "pass", "programs": ["id.2: fail → pass"],
            "because": ["health: not met, would be met"],
        }
    ]  # fmt: skip
    assert (told["ops"], told["ops_pass_before"], told["ops_pass_after"]) == (3, 1, 2)
    assert told["programs_before"] == {"pass": 1, "fail": 1, "not_applicable": 1}
    assert (told["against"], told["criteria"]) == ("visp v1", "visp v2")
    health = next(each for each in told["histograms"] if each["criterion"] == "health")
    assert (health["threshold"], sum(bar["total"] for bar in health["bars"])) == (0.7, 3)
    assert told["unmet_before"] == {"programs": {"health": 1}, "several": 0}
    assert (
        "visp v1: 1 of 2 instrument programs pass, so 1 of 3 OPs can be inverted; not met: health 1; 0"
        in said.err
    )

    drawn = meridian(capsys, "op", "what-if", "--criteria", lower, "--catalogue", catalogue)
    assert "health: health_good_share" in drawn.out
    assert "threshold 0.7" in drawn.out
    ids = meridian(capsys, "op", "what-if", "--criteria", lower, "--catalogue", catalogue, "-o", "ids")
    assert ids.out == "op2\n"
    same = meridian(
        capsys, "op", "what-if", "--criteria", lower, "--against", lower, "--catalogue", catalogue
    )
    assert "no OP would flip" in same.err


def test_programs_are_counted_by_what_they_do_not_meet(capsys, tmp_path, catalogue):
    dim = [
        a_record(f"D{n}", "op4", f"id.{n}", stokesParameters="I", aoLocked=400 if n else 0) for n in range(3)
    ]
    path = write_catalogue(tmp_path / "dim.json", dim)
    said = meridian(
        capsys, "op", "what-if", "--criteria", other_criteria(tmp_path / "o.json"), "--catalogue", str(path)
    )
    assert "0 of 3 instrument programs pass" in said.err
    assert "not met: stokes 3, ao 1; 1 fail for more than one reason" in said.err


@pytest.mark.parametrize(
    ("name", "instrument", "compared"),
    [("visp", "CRYO", "visp"), ("mine", "CRYO", "cryo"), ("mine", "VISP", "visp"), ("mine", "DL", "visp")],
)
def test_other_criteria_are_held_against_those_that_they_would_replace(name, instrument, compared):
    shipped = criteria()
    sets = [shipped, shipped.model_copy(update={"name": "cryo", "instruments": ("CRYO",)})]
    other = shipped.model_copy(update={"name": name, "instruments": (instrument,)})
    assert counterpart(sets, other).name == compared


def test_criteria_that_can_not_be_read_name_what_is_wrong(capsys, tmp_path, catalogue):
    wrong = other_criteria(tmp_path / "wrong.json", threshold="much")
    said = meridian(capsys, "op", "what-if", "--criteria", wrong, "--catalogue", catalogue)
    assert (said.code, said.out) == (WRONG_USE, "")
    assert "criterion.0: found the threshold 'much', wanted a number for >=" in said.err


def test_each_policy_tells_days_too_early_and_too_late(capsys, catalogue):
    said = meridian(capsys, "op", "readiness-study", "--catalogue", catalogue, "-o", "csv")
    rows = {(row["policy"], row["unit"]): row for row in csv.DictReader(io.StringIO(said.out))}
    week, month = rows["quiet 7 d", "program"], rows["quiet 30 d", "OP"]
    assert (week["n"], week["too_early"], week["early_days_max"], week["late_days_max"]) == (
        "2",
        "1",
        "3.0",
        "7.0",
    )
    assert (month["too_early"], month["late_days_median"], month["reopened"]) == ("0", "30.0", "0")
    assert rows["manifest or ready event", "program"]["late_days_max"] == "0.0"
    assert "1 dataset left out: no creation date" in said.err
