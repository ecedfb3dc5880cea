"""What is asked of observing programs from the command line, before any server is spoken to."""

import hashlib
import json
from importlib import import_module

import pytest

from service.cli.errors import FINE, WRONG_USE
from service.cli.op_verbs import VERBS
from tests.service.cli.command_line import meridian

ASKED_BY_PEOPLE = {
    "claim", "extend", "hand_over", "release", "review", "publish", "withdraw", "reinvert", "prioritise", "assign",
    "hold", "unhold", "unstage", "note", "requalify", "recover", "ready", "embargo", "lift",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch, tmp_path):
    for name, value in {"KAFKA": "127.0.0.1:9", "DATABASE": "postgresql://127.0.0.1:9/x"}.items():
        monkeypatch.setenv(f"MERIDIAN_{name}", value)
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path / "site"))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_each_row_of_the_table_fills_members_that_its_request_has(verb):
    module, _, kind = verb.request.partition(".")
    cls = getattr(import_module(f"events.{module}"), kind)
    assert cls.name == f"op.{verb.name.replace('-', '_')}"
    filled = {"lease_s" if each == "lease" else each for each in (*verb.options, *verb.fixed)}
    assert filled <= cls.model_fields.keys()


def test_the_table_has_what_people_may_ask():
    assert {verb.name.replace("-", "_") for verb in VERBS} == ASKED_BY_PEOPLE


def test_a_dry_run_shows_what_would_be_asked_of_each(capsys):
    said = meridian(
        capsys,
        "op",
        "assign",
        "op1",
        "op2",
        "--owner",
        "ada",
        "--due",
        "2026-12-01",
        "--dry-run",
        "-o",
        "json",
    )
    rows = json.loads(said.out)
    assert (said.code, [row["op"] for row in rows]) == (FINE, ["op1", "op2"])
    assert rows[0]["request"] == "op.assign"
    assert rows[0]["members"] == {"owner": "ada", "due_at": "2026-12-01T00:00:00Z"}
    claim = meridian(
        capsys, "op", "claim", "op1", "--lease", "12h", "--beside", "3", "--dry-run", "-o", "json"
    )
    members = json.loads(claim.out)[0]["members"]
    assert (members["lease_s"], members["beside"]) == (12 * 3600, [3])


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("scan",), "wanted a catalogue: FILE, URL or --frames STREAM, one of them"),
        (("scan", "datasets.json", "--frames", "dkist"), "one of them"),
        (("hold", "op1"), "op hold needs a reason"),
        (("claim", "op1", "--orcid", "0000-0002-1825-0098"), "whose last digit does not fit the others"),
        (("claim", "op1", "--orcid", "12"), "op.claim: orcid: found '12'"),
        (("claim", "op1", "--lease", "14"), "--lease 14: wanted such as 14d, 12h or 90m"),
        (("claim", "op1", "--lease", "400d"), "op.claim: lease_s: found"),
        (("review", "op1", "maybe", "--note", "x"), "op.review: decision: found 'maybe'"),
        (("release", "op1", "op2", "--request-id", "r"), "is for one request, found 2 observing programs"),
        (
            ("hold", "op1", "op2", "--expected-sequence", "3", "--reason", "x"),
            "--expected-sequence is for one request",
        ),
    ],
)
def test_what_can_not_be_asked_is_said_before_anybody_is(capsys, typed, told):
    said = meridian(capsys, "op", *typed)
    assert (said.code, said.out) == (WRONG_USE, "")
    assert told in said.err


def test_products_are_summed_up_here_and_objects_come_with_their_sum(capsys, tmp_path):
    product = tmp_path / "map.fits"
    product.write_bytes(b"SIMPLE")
    total = hashlib.sha256(b"SIMPLE").hexdigest()
    manifest = tmp_path / "hand-in.toml"
    manifest.write_text('inputs = ["AAA"]\n[software]\nrepository = "https://x/y.git"\ncommit = "0"\n')
    arguments = [
        "op", "invert", "op1", "--manifest", str(manifest), "--input", "BBB", "--commit", "abcdef1",
        "--product", str(product), "--product", f"s3://work/a=b/cube.asdf={'A' * 64}", "--dry-run", "-o", "json",
    ]  # fmt: skip
    said = meridian(capsys, *arguments)
    assert said.code == FINE, said
    members = json.loads(said.out)[0]["members"]
    assert members["inputs"] == ["AAA", "BBB"]
    assert members["software"] == {"repository": "https://x/y.git", "commit": "abcdef1"}
    assert [(each["name"], each["uri"], each["sha256"]) for each in members["outputs"]] == [
        ("map.fits", product.as_uri(), total), ("cube.asdf", "s3://work/a=b/cube.asdf", "a" * 64),
    ]  # fmt: skip
    assert members["outputs"][0]["size_bytes"] == 6
    wrong = meridian(capsys, "op", "invert", "op1", "--product", f"{product}={'0' * 64}", "--dry-run")
    assert (wrong.code, f"found the sha256 {total}, wanted {'0' * 64}" in wrong.err) == (WRONG_USE, True)
    missing = meridian(capsys, "op", "invert", "op1", "--product", str(tmp_path / "none.fits"))
    assert (missing.code, "none.fits" in missing.err) == (WRONG_USE, True)
