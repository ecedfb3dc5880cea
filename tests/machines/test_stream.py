"""Streams: commandable states, a hold beside them, and configuration as a fact."""

from itertools import product
from typing import Any

import pytest

from machines.stream import STREAM_LIFE
from tests.machines.given import Story

EVERY = "Offline Standby Disabled Enabled Fault"
TABLE = f"""
configure  configured  ∅        > Standby
configure  configured  {EVERY}  > =
start      started     Standby  > Disabled
enable     enabled     Disabled > Enabled
disable    disabled    Enabled  > Disabled
standby    standby     Disabled Offline Fault > Standby
offline    offline     Standby  > Offline
fault      faulted     Offline Standby Disabled Enabled > Fault
hold       held        {EVERY}  > =
unhold     unheld      {EVERY}  > =
redrive    redriven    {EVERY}  > =
silent     silent      Enabled  > =
heard      heard       Enabled  > =
"""
CONFIGURATION = {"stream": "roman-wfi", "format": "roman-wfi-l2-asdf"}
REACHED = {
    "∅": (),
    "Standby": ("configure",),
    "Disabled": ("configure", "start"),
    "Enabled": ("configure", "start", "enable"),
    "Offline": ("configure", "offline"),
    "Fault": ("configure", "fault"),
}
SILENT = {"purpose": "science", "since_at": "2026-11-21T06:00:00.000Z", "every_s": 600.0}
HEARD = {"purpose": "science", "heard_at": "2026-11-21T09:00:00.000Z"}
DATA: dict[str, Any] = {
    "configure": {"configuration": CONFIGURATION}, "fault": {"message": "mount lost"}, "silent": SILENT, "heard": HEARD,
}  # fmt: skip


def rows() -> set[tuple[str, str, str, str]]:
    found = set()
    for line in TABLE.strip().splitlines():
        left, end = line.split(" > ")
        request, fact, *sources = left.split()
        found |= {(request, fact, source, source if end == "=" else end) for source in sources}
    return found


def a_stream(*steps: str) -> Story:
    story = Story("stream", "roman-wfi")
    for step in steps:
        assert not story.ask(step, DATA.get(step), reason="because").is_refusal
    return story


def test_the_lifecycle_is_this_table_and_nothing_else():
    built = {
        (request.removeprefix("stream."), fact.removeprefix("stream."), str(source), str(end))
        for request, fact, source, end in STREAM_LIFE.transitions()
    }
    assert built == rows()


REFUSED_BY_MEMORY = {
    "configure": "is in force already, as version 1", "unhold": "the stream is not held",
    "heard": "the stream is not silent for science",
}  # fmt: skip


@pytest.mark.parametrize(("state", "name"), list(product(REACHED, sorted({row[0] for row in rows()}))))
def test_every_state_answers_every_request(state, name):
    story = a_stream(*REACHED[state])
    record = story.ask(name, DATA.get(name), reason="because")
    wanted = [(fact, end) for request, fact, source, end in rows() if request == name and source == state]
    memory = REFUSED_BY_MEMORY.get(name) if state != "∅" and (wanted or name != "heard") else None
    if wanted and memory is None:
        assert (record.type.removeprefix("stream."), record.tostate) == wanted[0]
    else:
        assert record.is_refusal
        expected = memory or (
            "is not known; apply its configuration first" if state == "∅" else f"found {state}"
        )
        assert expected in record.data["reasons"][0]


def test_each_configuration_has_its_number():
    story = a_stream("configure", "start")
    record = story.ask("configure", {"configuration": {**CONFIGURATION, "title": "Wide field"}})
    assert (record.data["configuration_version"], record.tostate) == (2, "Disabled")


def test_the_same_configuration_again_is_refused_as_being_in_force():
    record = a_stream("configure").ask("configure", {"configuration": CONFIGURATION})
    assert record.data["reasons"] == ["this configuration is in force already, as version 1"]


def test_a_configuration_of_another_stream_is_refused():
    record = Story("stream", "keck").ask("configure", {"configuration": CONFIGURATION})
    assert record.data["reasons"] == ["found the configuration of roman-wfi, wanted that of keck"]


def test_a_pattern_that_does_not_compile_is_refused_with_its_path():
    record = Story("stream", "roman-wfi").ask(
        "configure", {"configuration": {**CONFIGURATION, "name_pattern": "("}}
    )
    assert record.data["code"] == "INVALID_REQUEST"
    assert "configuration.name_pattern" in record.data["reasons"][0]


def test_a_silence_begins_once_and_ends_once_and_each_fact_has_all_that_stand():
    story = a_stream("configure", "start", "enable")
    story.ask("silent", SILENT)
    again = story.ask("silent", {**SILENT, "since_at": "2026-11-21T07:00:00.000Z"})
    assert again.data["reasons"] == ["the stream is silent for science already"]
    both = story.ask("silent", {**SILENT, "purpose": "calibration"})
    assert [each["purpose"] for each in both.data["silences"]] == ["science", "calibration"]
    heard = story.ask("heard", HEARD)
    assert [each["purpose"] for each in heard.data["silences"]] == ["calibration"]
    assert story.ask("heard", HEARD).is_refusal


@pytest.mark.parametrize("step", ["disable", "fault"])
def test_of_a_stream_that_is_not_enabled_nothing_is_expected(step):
    story = a_stream("configure", "start", "enable", "silent", step)
    for back in {"disable": ("enable",), "fault": ("standby", "start", "enable")}[step]:
        story.ask(back, {})
    assert story.ask("heard", HEARD).data["reasons"] == ["the stream is not silent for science"]


def test_another_configuration_may_expect_something_else():
    story = a_stream("configure", "start", "enable", "silent")
    story.ask("configure", {"configuration": {**CONFIGURATION, "title": "x"}})
    assert story.ask("heard", HEARD).is_refusal
    assert not story.ask("silent", SILENT).is_refusal
