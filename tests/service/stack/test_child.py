"""One child: its log stays of a readable size while it runs, and its keeper gives it up for nothing."""

import asyncio

import pytest

from service.stack import child
from service.stack.child import Child
from service.stack.fleet import RoleProgram
from service.stack.state import ChildState, Condition, Role

pytestmark = pytest.mark.slow  # real processes


def kept(tmp_path, make) -> Child:
    state = ChildState(name="role", is_server=False, log=tmp_path / "role.log")
    return Child(make, state, changed=lambda: None)


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110 - other processes bring it about
        await asyncio.sleep(0.02)


def run(story) -> None:
    asyncio.run(asyncio.wait_for(story, 30))


def test_a_log_that_grows_for_months_is_kept_short_and_nothing_new_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "_LONGEST_LOG_BYTES", 2000)
    monkeypatch.setattr(child, "_LOG_EVERY_S", 0.05)
    script = (
        "i=0; while :; do i=$((i+1)); echo line $i of a long story that is told by a role; sleep 0.005; done"
    )
    role = Role(name="role", argv=("sh", "-c", script))
    path, former = tmp_path / "role.log", tmp_path / "role.log.1"

    async def story() -> None:
        keeper = kept(tmp_path, RoleProgram(role, {}).itself)
        keeper.start()
        await until(former.exists)
        first = former.read_text()
        await until(lambda: former.read_text() not in {first, ""})
        await keeper.stop()
        assert first.startswith("line 1 ")
        assert path.stat().st_size < 20_000
        assert "\0" not in path.read_text()  # it writes at the end, wherever that is by now

    run(story())


def test_whatever_goes_wrong_the_child_is_tried_again_and_the_reason_told(tmp_path):
    tries = []

    def make():
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("nobody thought of this")
        return RoleProgram(Role(name="role", argv=("sleep", "60")), {})

    async def story() -> None:
        keeper = kept(tmp_path, make)
        keeper.start()
        await until(lambda: keeper.state.failures or keeper.state.pid)
        assert keeper.state.reason == "ValueError: nobody thought of this"
        await until(lambda: keeper.state.condition is Condition.READY)
        await keeper.stop()

    run(story())
