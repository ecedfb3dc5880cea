"""Roles as processes: they wait for servers, stop in time when told, and end with their parent."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg2
import pytest

from consumers.child_link import ENOUGH_TO_END_S
from consumers.worker import Pace
from projectors.database import normal_url
from service.children import STOP_S
from service.cli.run_commands import LEAVE_WITHIN_S
from service.leadership import SILENT_S

PROJECT = Path(__file__).resolve().parents[2]
LEAVES_WITHIN_S = 10.0


@contextmanager
def a_role(name: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """``meridian run NAME`` with its log in a file; killed with its children whatever happens."""
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("MERIDIAN_")}
    told = {f"MERIDIAN_{key}": value for key, value in environment.items()}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "run", name],
            cwd=PROJECT,
            env={**surroundings, **told, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    children: list[psutil.Process] = []
    try:
        yield process
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    finally:
        for each in [*children, process]:
            if each.poll() is None if isinstance(each, subprocess.Popen) else each.is_running():
                each.kill()
        process.wait()


def lines(log: Path) -> list[dict]:
    """What was logged, as objects; each line has to be one."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def works(process: psutil.Process) -> bool:
    """Whether the process is there, and no zombie; one that ends between two questions is not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)


NOWHERE = {
    "KAFKA": "127.0.0.1:9",
    "DATABASE": "postgresql://nobody@127.0.0.1:9/none",
    "S3_ENDPOINT": "http://127.0.0.1:9",
    "S3_ACCESS_KEY": "a",
    "S3_SECRET_KEY": "b",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "parts"),
    # Consumers wait as a whole, before any of their parts begins.
    [("decider", 1), ("projector", 1), ("timers", 1), ("consumers", 1)],
)
def test_a_role_waits_for_servers_says_so_once_a_part_and_leaves_when_told(tmp_path, role, parts):
    log = tmp_path / "role.log"
    with a_role(role, log, DATA=str(tmp_path), **NOWHERE) as process:
        until(lambda: log.read_text("utf-8").count('"waiting"') >= parts)
        time.sleep(1.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(LEAVES_WITHIN_S) == 0
    said = [line for line in lines(log) if line["message"] == "waiting"]
    assert [line["for"] for line in said] == ["kafka"] * parts
    assert all({"time", "level", "role", "logger"} <= line.keys() for line in lines(log))


def test_what_a_worker_may_take_to_stop_fits_into_what_its_parents_give_it():
    a_notice_s = 1.0  # until it sees that it is to stop
    leaving_s = a_notice_s + Pace().grace_s + ENOUGH_TO_END_S
    assert leaving_s < STOP_S < LEAVE_WITHIN_S < LEAVES_WITHIN_S


@pytest.mark.slow
def test_an_unknown_role_is_wrong_use(tmp_path):
    log = tmp_path / "role.log"
    with a_role("dcider", log, DATA=str(tmp_path), **NOWHERE) as process:
        assert process.wait(20) == 2
    assert "wanted one of decider, projector, consumers, timers, all" in log.read_text("utf-8")


@pytest.fixture
def whole(tmp_path, site, kafka, postgres, s3):
    """The settings of a site of the test's own."""
    return {
        "SITE": site,
        "DATA": str(tmp_path / "data"),
        "KAFKA": kafka,
        "DATABASE": postgres,
        "S3_ENDPOINT": s3.endpoint,
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": s3.secret_key,
        "S3_BUCKET": s3.bucket,
    }


def connected(address: str) -> set[str]:
    """Which of our programs are connected to the database."""
    with (
        psycopg2.connect(normal_url(address).replace("+psycopg2", "")) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()"
        )
        return {row[0] for row in cursor.fetchall()}


PROGRAMS = {
    "meridian-decider",
    "meridian-projector",
    "meridian-consumers",
    "meridian-timers",
    "meridian-worker",
    "meridian-intake",
}


@pytest.mark.slow
def test_all_roles_run_as_children_and_stop_together_in_time(tmp_path, whole):
    log = tmp_path / "role.log"
    with a_role("all", log, **whole) as process:
        until(lambda: connected(whole["DATABASE"]) >= PROGRAMS, 90)
        children = psutil.Process(process.pid).children(recursive=True)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LEAVES_WITHIN_S + 2) == 0
        assert time.monotonic() - began < LEAVES_WITHIN_S
        assert not any(works(child) for child in children)


@pytest.mark.slow
def test_when_the_parent_is_killed_no_role_is_left_behind(tmp_path, whole):
    log = tmp_path / "role.log"
    with a_role("all", log, **whole) as process:
        until(lambda: connected(whole["DATABASE"]) >= PROGRAMS, 90)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) > 4
        process.kill()
        process.wait()
        until(lambda: not any(works(child) for child in children), 25)


LEADING = """
    SELECT l.pid, a.client_port FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND a.application_name = 'meridian-timers'
"""


def leader_of(address: str, *among: subprocess.Popen[bytes]) -> subprocess.Popen[bytes] | None:
    """The process whose session holds the lead of the timers."""
    with psycopg2.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(LEADING)
        ports = {port for _, port in cursor.fetchall()}
    return next((each for each in among if ports & ports_of(each)), None)


def ports_of(process: subprocess.Popen[bytes]) -> set[int]:
    return {each.laddr.port for each in psutil.Process(process.pid).net_connections("tcp") if each.laddr}


@pytest.mark.long
def test_a_frozen_process_of_timers_does_not_keep_the_others_waiting_and_does_not_lead_when_it_thaws(
    tmp_path, whole
):
    address = normal_url(whole["DATABASE"]).replace("+psycopg2", "")
    with (
        a_role("timers", tmp_path / "first.log", **whole) as first,
        a_role("timers", tmp_path / "second.log", **whole) as second,
    ):
        until(lambda: leader_of(address, first, second) is not None, 60)
        frozen = leader_of(address, first, second)
        assert frozen is not None
        other, log = (second, "second.log") if frozen is first else (first, "first.log")
        until(lambda: "standing by" in (tmp_path / log).read_text("utf-8"), 30)
        frozen.send_signal(signal.SIGSTOP)
        try:
            until(lambda: leader_of(address, other) is other, 2 * SILENT_S)
        finally:
            frozen.send_signal(signal.SIGCONT)
        its = tmp_path / ("first.log" if frozen is first else "second.log")
        until(lambda: "lead lost" in its.read_text("utf-8"), 20)
        until(lambda: "standing by" in its.read_text("utf-8"), 20)
        assert leader_of(address, other) is other
