"""What is typed to look at observing programs, before any server is spoken to."""

import json
import shlex

import pytest

from consumers.policies import ranking
from service.cli.errors import FINE, WRONG_USE
from service.cli.op_verbs import VERBS
from service.op_why import OpStory, op_why
from tests.service.cli.command_line import meridian
from tests.service.test_op_why import ATTEMPT, NOW, OP, PROGRAM


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch, tmp_path):
    for name, value in {"KAFKA": "127.0.0.1:9", "DATABASE": "postgresql://127.0.0.1:9/x"}.items():
        monkeypatch.setenv(f"MERIDIAN_{name}", value)
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path / "site"))


def test_weights_that_are_none_are_named(capsys, tmp_path):
    wrong = tmp_path / "weights.json"
    wrong.write_text(json.dumps({**ranking().model_dump(), "mark": "much"}))
    said = meridian(capsys, "op", "next", "--ranking", str(wrong))
    assert (said.code, said.out) == (WRONG_USE, "")
    assert "weights.json: mark: " in said.err


FAILURE = {"step": "archive", "code": "DISK_FULL", "failure_class": "code", "message": "no room"}
STORIES = [
    *({"programs": [state]} for state in ("Discovered", "Not Invertible", "Preprocessed")),
    *({"attempts": [state]} for state in ("Working", "Verified", "Accepted", "Published")),
    {"op": {"failures": {"attempt:1": FAILURE}, "is_held": True}},
]


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_every_command_that_asks_something_can_be_typed_as_it_is_told(capsys, story):
    programs = [{**PROGRAM, "state": state} for state in story.get("programs", ())]
    attempts = [
        {**ATTEMPT, "state": state, "is_public": state == "Published"} for state in story.get("attempts", ())
    ]
    answer = op_why(OpStory(NOW, {**OP, **story.get("op", {})}, tuple(programs), (), tuple(attempts)))
    typed = [shlex.split(each.command)[1:] for each in answer.help]
    asking = [each for each in typed if each[1] in {verb.name for verb in VERBS}]
    assert asking
    for each in asking:
        said = meridian(capsys, *each, "--dry-run", "-o", "json")
        assert said.code == FINE, said
        assert json.loads(said.out)[0]["op"] == "op-1"


def test_a_state_that_there_is_not_is_told_with_those_there_are(capsys):
    said = meridian(capsys, "op", "list", "--state", "not invertible", "--state", "Inverting")
    assert (said.code, said.out) == (WRONG_USE, "")
    assert "--state Inverting: wanted one of Discovered, Invertible, Not Invertible, Preprocessed" in said.err
