"""The demo is the main job: everything ends as expected, and running it again is another night."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow]


@pytest.fixture
def meridian(tmp_path, site, kafka, postgres, s3):
    """The command line on a site of the test's own, whose roles are stopped afterwards."""
    told = {
        "SITE": site,
        "DATA": str(tmp_path / "data"),
        "KAFKA": kafka,
        "DATABASE": postgres,
        "S3_ENDPOINT": s3.endpoint,
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": s3.secret_key,
        "S3_BUCKET": s3.bucket,
    }
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MERIDIAN_")}
    environment |= {f"MERIDIAN_{key}": value for key, value in told.items()}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "service", *arguments]
        environment["PYTHONPATH"] = str(PROJECT)
        return subprocess.run(
            command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=560, check=False
        )

    yield run
    run("down")


def test_a_night_ends_as_expected_with_a_reason_for_each_file_and_the_next_run_is_another_night(meridian):
    first = meridian("demo", "--files", "3", "-o", "json")
    assert first.returncode == 0, first.stdout + first.stderr
    told = json.loads(first.stdout)
    assert told["as_expected"]
    assert told["files"] >= 20
    assert {each["stream"] for each in told["counts"]} == {"roman-wfi", "dkist-l1", "keck-kcwi"}
    states = {row["state"]: 0 for row in told["counts"]}
    for row in told["counts"]:
        states[row["state"]] += row["files"]
    assert len(told["not_complete"]) == sum(states.values()) - states["COMPLETE"]
    assert all(each["because"] and each["who"] and each["help"] for each in told["not_complete"])
    assert {stage["stage"] for stage in told["stages"]} >= {"read and check", "copy to the archive"}
    assert sum(cause["count"] for cause in told["dead_letters"]) >= 8
    programs = told["programs"]
    steps = [each["tostate"] for each in programs["steps"]]
    in_order = ["Discovered", "Invertible", "Preprocessed", "Working", "Inverted", "Published"]
    assert list(dict.fromkeys(steps)) == in_order
    assert programs["shown"]["op"] == programs["published"]
    assert programs["refused"]["state"] == "Not Invertible"
    [stand] = programs["refused"]["stands"]
    assert [each["criterion"] for each in stand["failed"] if each["required"]] == ["ao"]

    audited = meridian("audit", "-o", "json")
    found = json.loads(audited.stdout)
    assert (audited.returncode, found["clean"]) == (0, True), audited.stdout
    assert all(each["n"] > 0 for name, each in found["counters"].items() if name != "silent")

    second = meridian("demo", "--files", "3")
    assert second.returncode == 0, second.stdout + second.stderr
    assert f"(seed {told['seed'] + 1})" in second.stdout
    assert "Everything ended as expected" in second.stdout
    assert "psql" in second.stdout
    assert "./meridian file why" in second.stdout

    shown = meridian("op", "show", programs["published"], "-o", "json")
    assert json.loads(shown.stdout)["state"] == "Published"

    why = told["not_complete"][0]
    asked = meridian("file", "why", why["subject"], "-o", "json")
    assert json.loads(asked.stdout)["code"] == why["code"]
    assert meridian("schema", "check").returncode == 0
