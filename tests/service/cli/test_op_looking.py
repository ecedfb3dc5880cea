"""What is typed to look at observing programs, before any server is spoken to."""

import json

import pytest

from consumers.policies import ranking
from service.cli.errors import WRONG_USE
from tests.service.cli.command_line import meridian


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
