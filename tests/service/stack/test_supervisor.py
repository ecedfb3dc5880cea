"""The supervisor: it keeps roles alive, stops them whole, and leaves none behind, even when it is killed itself."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import psutil
import pytest

from service.settings import load
from service.stack import local, orphans, supervisor
from service.stack.failure import StackError
from service.stack.lock import holder
from service.stack.place import Place, write_whole
from service.stack.state import Wanted, read_state

pytestmark = pytest.mark.slow  # real processes that die, wait and are started again

# All servers are named, so none is started: these tests are about processes.
NAMED: dict[str, Any] = {
    "kafka": "127.0.0.1:1",
    "database": "postgresql://u:p@127.0.0.1:1/d",
    "s3_endpoint": "http://127.0.0.1:1",
    "s3_access_key": "key",
    "s3_secret_key": "secret",
}


@pytest.fixture
def settings(tmp_path):
    settings = load(data=tmp_path / "data", site="supervised", **NAMED)
    yield settings
    local.down(settings, limit_s=20)


def a_role(script: str, name: str = "role", **more) -> local.Role:
    return local.Role(name=name, argv=("sh", "-c", script), **more)


def sleeping(name: str = "role") -> local.Role:
    return a_role("exec sleep 60", name)


def child(settings, name: str = "role") -> local.ChildState:
    return local.status(settings).children[name]


def eventually(condition, *, limit_s: float = 10.0):
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        with suppress(KeyError, AttributeError):  # not there yet
            if found := condition():
                return found
        time.sleep(0.02)
    return condition()


def test_a_role_runs_until_down(settings):
    local.up(settings, roles=[sleeping()])
    process = psutil.Process(child(settings).pid)
    assert process.cmdline() == ["sleep", "60"]
    assert local.down(settings)
    assert not process.is_running()
    assert local.status(settings) is None
    assert not local.down(settings)


def test_a_role_is_told_where_the_servers_are_and_what_the_site_is(settings, tmp_path):
    out = tmp_path / "environment"
    local.up(
        settings,
        roles=[a_role(f"env > {out}.new; mv {out}.new {out}; exec sleep 60", environment={"X": "1"})],
    )
    told = dict(
        line.split("=", 1) for line in eventually(lambda: out.exists() and out.read_text()).splitlines()
    )
    assert told["MERIDIAN_SITE"] == "supervised"
    assert told["MERIDIAN_KAFKA"] == "127.0.0.1:1"
    assert told["MERIDIAN_S3_SECRET_KEY"] == "secret"
    assert told["X"] == "1"


def test_a_role_that_dies_is_started_again(settings):
    local.up(settings, roles=[sleeping()])
    first = child(settings).pid
    kill(first)
    assert eventually(lambda: (child(settings).pid or first) != first)
    assert child(settings).restarts == 1


def test_the_end_of_a_role_that_keeps_dying_is_told_with_its_last_words(settings):
    local.up(settings, roles=[a_role("echo the ledger is gone; exit 5")])
    found = eventually(lambda: child(settings).restarts >= 2 and child(settings))
    assert "code 5: the ledger is gone" in found.reason


def test_a_role_that_is_done_is_not_started_again(settings, tmp_path):
    local.up(settings, roles=[a_role(f"echo >> {tmp_path}/runs; exit 0")])
    assert eventually(lambda: child(settings).condition is local.Condition.ENDED)
    time.sleep(1.2)
    assert (tmp_path / "runs").read_text() == "\n"


def test_a_role_that_does_not_stop_is_killed_with_all_its_children(settings, tmp_path):
    script = f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.1; done'"
    local.up(settings, roles=[a_role(script, stop_limit_s=0.5)])
    grandchild = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    began = time.monotonic()
    local.down(settings)
    assert time.monotonic() - began < 5
    assert eventually(lambda: not psutil.pid_exists(grandchild))


def test_asking_for_other_roles_replaces_only_what_differs(settings):
    local.up(settings, roles=[sleeping("decider"), sleeping("timers")])
    kept = child(settings, "decider").pid
    supervisor = local.status(settings).pid
    local.up(settings, roles=[sleeping("decider"), sleeping("projector")])
    state = local.status(settings)
    assert state.pid == supervisor
    assert set(state.children) == {"decider", "projector"}
    assert state.children["decider"].pid == kept


def test_a_supervisor_that_is_killed_leaves_nobody_behind(settings):
    local.up(settings, roles=[sleeping()])
    supervisor, orphan = local.status(settings).pid, child(settings).pid
    kill(supervisor)
    assert eventually(lambda: not psutil.pid_exists(orphan) or is_zombie(orphan))
    assert eventually(lambda: local.status(settings) is None)  # its lock goes with its last thread
    local.up(settings, roles=[sleeping()])
    assert local.status(settings).pid != supervisor
    assert child(settings).pid != orphan


def test_children_that_outlive_a_killed_supervisor_are_stopped_by_the_next(settings, tmp_path):
    deaf = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.1; done"
    local.up(settings, roles=[a_role(deaf, stop_limit_s=0.5)])
    orphan = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    kill(local.status(settings).pid)
    assert eventually(lambda: holder(Place(settings.data).lock) is None)
    time.sleep(0.2)
    assert psutil.pid_exists(orphan)
    local.up(settings, roles=[sleeping()], limit_s=40)
    assert not psutil.pid_exists(orphan) or is_zombie(orphan)


def test_everything_ends_with_its_owner(settings):
    with subprocess.Popen(["sleep", "60"]) as owner:
        local.up(settings, roles=[sleeping()], owner=owner.pid)
        process = psutil.Process(child(settings).pid)
        owner.kill()
    assert eventually(lambda: local.status(settings) is None)
    assert not process.is_running()


def test_two_who_start_at_once_share_one_supervisor(settings, tmp_path):
    code = (
        "import sys, json; from service.settings import load; from service.stack import local\n"
        "s = load(**json.loads(sys.argv[1]))\n"
        "local.up(s, roles=[local.Role(name='role', argv=('sleep', '60'))])\n"
        "print(local.status(s).pid)"
    )
    given = json.dumps({"data": str(settings.data), "site": "supervised", **NAMED})
    command = [sys.executable, "-c", code, given]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=30)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1] == str(local.status(settings).pid)


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110 - other processes bring it about
        await asyncio.sleep(0.02)


def kill(pid: int | None) -> None:
    assert pid
    os.kill(pid, signal.SIGKILL)


def is_zombie(pid: int | None) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_a_folder_that_takes_no_writes_costs_no_child_its_keeper(settings, tmp_path, monkeypatch):
    """As on a full disk: what dies meanwhile is started again, and told of once there is room."""
    place = Place(settings.data)
    place.make()
    place.credentials()
    role = a_role(f"echo >> {tmp_path}/runs; sleep 0.2; exit 5")
    place.wanted.write_text(Wanted(id="1", roles=(role,)).model_dump_json())
    full = threading.Event()

    def write(path, value):
        if full.is_set() and path.parent == settings.data:
            raise StackError(f"{path} can't be written: No space left on device")
        write_whole(path, value)

    monkeypatch.setattr(supervisor, "write_whole", write)
    monkeypatch.setattr(orphans, "write_whole", write)

    async def story():
        keeper = supervisor.Supervisor(place)
        running = asyncio.create_task(keeper.run())
        await until((tmp_path / "runs").exists)
        full.set()
        await until(lambda: running.done() or len((tmp_path / "runs").read_text()) > 2)
        assert not running.done()
        told = read_state(place).children["role"].restarts
        full.clear()
        await until(lambda: read_state(place).children["role"].restarts > told)
        keeper._ending.set()
        await running

    asyncio.run(asyncio.wait_for(story(), 30))
