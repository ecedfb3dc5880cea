"""Servers killed under running roles, and roles told to stop under load: all goes on by itself, and nothing fails."""

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from service.client import Client
from service.site import ROLE_NAMES, children_of
from tests.scenarios.lone import LoneSite, a_site_of_lone_servers
from tests.scenarios.s3_gone import s3_gone
from tests.scenarios.under_load import Load, facts, prepare, rows, states, until

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("outages")]

AWAY_S = 20.0
LEAVES_WITHIN_S = 10.0
BACK_WITHIN_S = 120.0


@dataclass
class Running:
    """A site at work, and a client of it."""

    site: LoneSite
    client: Client


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with a_site_of_lone_servers() as site:
        client = Client(site.wiring, actor="scenario", reason="a scenario", source="scenario")
        prepare(client, site.landing)
        yield Running(site, client)
        client.close()


def all_complete(running: Running, count: int) -> None:
    """Every file announced so far comes to its end by itself, and none has failed on its way."""
    until(
        lambda: states(running.client) == {"COMPLETE": count},
        BACK_WITHIN_S,
        lambda: f"{count} announced, {states(running.client)}",
    )
    assert {"file.failed", "file.retried", "file.refused"}.isdisjoint(facts(running.client))


def pid_of(site: LoneSite, role: str) -> int:
    return next(each["pid"] for each in children_of(site.wiring.settings) if each["name"] == role)


def states_count(running: Running) -> int:
    return sum(states(running.client).values())


@pytest.mark.parametrize("server", ["s3", "kafka", "postgres"])
def test_a_server_killed_for_twenty_seconds_is_waited_for_and_nothing_fails(running, server):
    before = states_count(running)
    load = Load(running.site, first=before)
    with load.running():
        until(lambda: states_count(running) > before + 5, 60)
        pids = {role: pid_of(running.site, role) for role in ROLE_NAMES if role != "decider"}
        running.site.servers[server].kill()
        time.sleep(AWAY_S)
        running.site.servers[server].start()
        time.sleep(3.0)
    all_complete(running, before + load.announced)
    # Roles wait; only a decider whose commit hangs leaves, so that a new one asks the log what became of it.
    assert {role: pid_of(running.site, role) for role in pids} == pids


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_told_to_stop_under_load_leaves_in_time_and_others_go_on(running, role):
    before = states_count(running)
    load = Load(running.site, first=before, every_s=0.05)
    with load.running():
        until(lambda: states_count(running) > before + 5, 60)
        process = psutil.Process(pid_of(running.site, role))
        children = process.children(recursive=True)
        began = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        psutil.wait_procs([process], timeout=LEAVES_WITHIN_S + 5)
        assert time.monotonic() - began < LEAVES_WITHIN_S
        assert not [each for each in children if each.is_running()]
        assert leased_by(running, [each.pid for each in children]) == 0
        # Ended with 0 it is done for its supervisor: an operator starts it again.
        running.site.restart_roles()
    all_complete(running, before + load.announced)


def leased_by(running: Running, pids: list[int]) -> int:
    """Items under lease by workers of these numbers, which are gone."""
    query = "SELECT lease_owner FROM work.item WHERE state = 'leased'"
    return sum(int(owner.rsplit("-", 2)[1]) in pids for (owner,) in rows(running.client, query))


def test_every_line_of_every_roles_log_is_an_object_that_says_who_and_what(running):
    for role in ROLE_NAMES:
        for line in running.site.log_of(role).read_text("utf-8").splitlines():
            said = json.loads(line)
            assert {"time", "level", "role", "logger", "message"} <= said.keys()
            assert said["message"] not in {"nobody caught this", "a thread died of this", "role died"}, line


def test_s3_gone_for_a_minute_with_files_under_way():
    with a_site_of_lone_servers() as site:
        assert s3_gone(site, files=300, away_s=60.0, say=lambda _: None).faults() == []
