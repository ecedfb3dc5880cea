"""``meridian validate``: events checked without a server, each fault at its exact path."""

import io
import json

from tests.service.cli.command_line import meridian

GOOD = {
    "specversion": "1.0",
    "id": "7f3e",
    "source": "roman-soc",
    "type": "file.arrived",
    "data": {"stream": "roman-wfi", "uri": "file:///landing/a.asdf", "size_bytes": 5},
}


def test_a_good_event_is_fine(capsys, tmp_path):
    path = tmp_path / "event.json"
    path.write_text(json.dumps(GOOD))
    said = meridian(capsys, "validate", str(path))
    assert (said.code, said.out, said.err) == (0, "", "1 event checked, all as they should be\n")


def test_each_fault_has_its_event_and_its_path(capsys, monkeypatch):
    bad = [GOOD, {**GOOD, "type": "file.gone"}, {**GOOD, "data": {**GOOD["data"], "size_bytes": -1}}]  # type: ignore[dict-item]
    lines = b"\n".join(json.dumps(each).encode() for each in bad)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    said = meridian(capsys, "validate", "-", "-o", "json")
    assert said.code == 1
    assert [(row["event"], row["path"]) for row in json.loads(said.out)] == [
        ("line 2", "$.type"),
        ("line 3", "$.data.size_bytes"),
    ]
    assert "2 of 3 events with faults" in said.err


def test_a_sender_speaks_for_itself_only(capsys, tmp_path):
    path = tmp_path / "event.json"
    path.write_text(json.dumps(GOOD))
    said = meridian(capsys, "validate", str(path), "--sender", "keck-summit", "-o", "ids")
    assert (said.code, said.out) == (1, "event 1\n")


def test_a_file_that_is_not_there_is_wrong_use(capsys, tmp_path):
    said = meridian(capsys, "validate", str(tmp_path / "none.json"))
    assert said.code == 2
    assert "none.json" in said.err
