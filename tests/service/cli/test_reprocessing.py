"""Files taken through their checks again: by the rules in force by now, and with what people have said of them."""

import json
import time
from collections.abc import Callable
from typing import Any

from events.file_requests import FailFile
from service.cli.errors import FINE
from tests.service.cli.a_site import STREAM, Site, arrival, started
from tests.service.cli.command_line import Said

FILE = "keck-kcwi/kb261120_00001"


def applied(typed: Callable[..., Said], tmp_path, *more: str) -> None:
    path = tmp_path / "keck.toml"
    path.write_text("\n".join((STREAM, *more)))
    assert typed("stream", "apply", str(path), "--enable").code == FINE


def failed(running: Site, attempt: int) -> None:
    """A worker has begun, and the file waits in ERROR again."""
    failure = FailFile(code="CHECK_RAISED", failure_class="code", message="a check went wrong")
    running.asks(FILE, started(), failure, version=1, attempt=attempt)


def overrides(typed: Callable[..., Said], *options: str) -> dict[str, Any]:
    """What the attempt that follows has to go by."""
    said = typed("file", "reprocess", FILE, "--reason", "the rule was corrected", *options, "-o", "json")
    assert said.code == FINE, said
    deadline = time.monotonic() + 30
    while True:
        rows = json.loads(typed("file", "history", FILE, "-o", "json").out)
        if rows[-1]["type"] == "file.reprocessed" or time.monotonic() > deadline:
            return dict(rows[-1]["data"]["overrides"])
        time.sleep(0.2)


def test_files_are_reprocessed_by_the_rules_in_force_and_what_was_said_of_them_stays_said(
    site_running, typed, tmp_path
):
    applied(typed, tmp_path)
    site_running.asks(FILE, arrival("kb261120_00001"))
    failed(site_running, 1)
    applied(typed, tmp_path, "max_bytes = 5000")
    seen: list[dict[str, Any]] = []
    for attempt, options in enumerate(
        ([], ["--program", "C257"], ["--stream-version", "1"], ["--afresh"]), start=2
    ):
        seen.append(overrides(typed, *options))
        failed(site_running, attempt)
    assert seen == [
        {"stream_version": 2},
        {"stream_version": 2, "program": "C257"},
        {"stream_version": 1, "program": "C257"},
        {"stream_version": 2},
    ]
