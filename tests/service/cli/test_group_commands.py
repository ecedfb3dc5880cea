"""``meridian group``: what is wrong is said at once, and what is asked on a site is a fact that why explains."""

import json

import pytest

from service.cli.errors import ATTENTION, FINE, WRONG_USE
from tests.service.cli.command_line import meridian

GROUP = "dkist-l1/AAAA"


@pytest.fixture
def _no_servers(monkeypatch, tmp_path):
    for name, value in {"KAFKA": "127.0.0.1:9", "DATABASE": "postgresql://127.0.0.1:9/x"}.items():
        monkeypatch.setenv(f"MERIDIAN_{name}", value)
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path / "site"))


@pytest.mark.usefixtures("_no_servers")
@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("expect", GROUP, "--reason", "x"), "--files N or --places A-B, one of the two"),
        (("expect", GROUP, "--files", "4", "--places", "0-3", "--reason", "x"), "one of the two"),
        (("expect", GROUP, "--places", "0-x", "--reason", "x"), "--places 0-x: wanted such as 0-99 or 7"),
        (("expect", GROUP, "--files", "4", "--kind", "night", "--reason", "x"), "kind"),
        (("expect", GROUP, "--places", "0-9999999", "--reason", "x"), "ranges"),
        (("expect", "AAAA", "--files", "4", "--reason", "x"), "wanted STREAM/ID"),
        (("expect", GROUP, "--files", "4"), "needs a reason"),
        (("excuse", GROUP, "--reason", "x"), "found no --places"),
        (("excuse", GROUP, "--places", "3", "--code", "not a code", "--reason", "x"), "code"),
        (("list", "--state", "closed"), "wanted one of Open, Complete, Closed short, Reopened"),
    ],
    ids=str,
)
def test_what_is_typed_wrongly_is_named_before_anybody_is_asked(capsys, typed, told):
    said = meridian(capsys, "group", *typed)
    assert (said.code, said.out) == (WRONG_USE, ""), said
    assert told in said.err


@pytest.mark.usefixtures("_no_servers")
def test_a_dry_run_shows_what_would_be_asked(capsys):
    said = meridian(
        capsys, "group", "expect", GROUP, "--places", "0-9", "--places", "12", "--due", "2030-01-01", "--closes",
        "--dry-run", "-o", "json",
    )  # fmt: skip
    [row] = json.loads(said.out)
    assert row["members"]["ranges"] == [{"first": 0, "last": 9}, {"first": 12, "last": 12}]
    assert (row["members"]["due_at"], row["members"]["closes_when_due"]) == ("2030-01-01T00:00:00Z", True)


def test_what_is_expected_is_excused_and_closed_by_hand_and_why_says_what_is_missing(site_running, capsys):
    def ask(*typed):
        said = meridian(capsys, "group", *typed, "-o", "json")
        return said.code, json.loads(said.out)[0]

    def why():
        from service.scanning import await_views

        await_views(site_running.client, "group")
        said = meridian(capsys, "group", "why", GROUP, "-o", "json")
        return said.code, json.loads(said.out)

    code, answer = why()
    assert (code, answer["state"]) == (ATTENTION, None)
    code, row = ask("expect", GROUP, "--files", "10", "--reason", "the summit says ten")
    assert (code, row["state"]) == (FINE, "Open")
    assert why()[1]["because"] == "10 of 10 members expected (as said by operator) missing"
    code, row = ask("excuse", GROUP, "--places", "0-3", "--reason", "dead", "--expected-sequence", "7")
    assert (code, row["reasons"]) == (ATTENTION, ["expected the last fact at sequence 7, found 1"])
    assert ask("excuse", GROUP, "--places", "0-3", "--reason", "dead", "--expected-sequence", "1")[0] == FINE
    code, row = ask("close", GROUP, "--reason", "the rest is lost")
    assert row["state"] == "Closed short"
    code, answer = why()
    assert (code, answer["because"]) == (
        FINE,
        "it was closed with 6 of 10 members expected (as said by operator) missing",
    )
    assert "missing when it was last looked at as a whole: places 4-9" in answer["evidence"]
    assert ask("reopen", GROUP, "--reason", "found again")[1]["state"] == "Reopened"
    assert ask("note", GROUP, "ask the summit once more")[0] == FINE
    why()
    shown = meridian(capsys, "group", "show", GROUP, "-o", "json")
    assert json.loads(shown.out)["note"] == "ask the summit once more"
    listed = meridian(capsys, "group", "list", "--missing", "--state", "reopened", "-o", "ids")
    assert listed.out.split() == [GROUP]
    nothing = meridian(capsys, "group", "show", "dkist-l1/AAAB")
    assert (nothing.code, f"did you mean {GROUP}" in nothing.err) == (ATTENTION, True)
