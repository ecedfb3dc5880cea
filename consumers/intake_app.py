"""The Faust application at the door: hands messages on in batches, and lets go of them only when that has succeeded."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import faust
from faust.tables.manager import TableManager

from consumers.header_names import tolerate
from consumers.intake_watch import group_of
from consumers.patience import GaveUp
from events.log import Message

__all__ = ["make_app", "serve"]

log = logging.getLogger(__name__)

Handle = Callable[[Sequence[Message]], None]
"""Writes what becomes of the messages and returns when it is on the log; raises GaveUp when it is not to go on."""

BATCH = 500
_HELD_BYTES = 32 * 1024 * 1024
# Faust's own queue in front of the agent; small, as one message may have 8 MiB.
_BUFFERED = 32
# A member that was killed is missed after this long, and its partitions stand still until then; the broker's minimum.
_SESSION_S = 6.0
# What was handed on is written within this time, unless a server is away; then it is read again.
_STOP_S = 3.0


class _NoTables(TableManager):
    """Faust waits a second for tables to be declared; there are none."""

    async def sleep(self, n: Any) -> None:
        await super().sleep(min(float(n), 0.01))


def make_app(
    *, bootstrap: str, site: str, inboxes: Sequence[str], data_dir: Path, handle: Handle
) -> faust.App:
    """An application that reads these topics as one member of the group and gives batches to ``handle`` in a thread.

    At least once, no tables, no changelogs, no web server, no topics made, raw bytes. ``handle`` is called for one
    batch at a time, in the order of each partition. Offsets follow what it has returned from.
    """
    tolerate()
    app = faust.App(
        group_of(site),
        broker=[f"kafka://{server.strip()}" for server in bootstrap.split(",")],
        datadir=str(data_dir),
        store="memory://",
        TableManager=_NoTables,
        autodiscover=False,
        web_enabled=False,
        processing_guarantee="at_least_once",
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=0.5,
        broker_session_timeout=_SESSION_S,
        broker_heartbeat_interval=1.5,
        broker_rebalance_timeout=_SESSION_S,
        stream_wait_empty=True,
        stream_buffer_maxsize=_BUFFERED,
        worker_redirect_stdouts=False,
    )
    doors = app.topic(
        *inboxes, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )

    @app.agent(doors, name="intake")
    async def intake(stream: Any) -> None:
        stream.enable_acks = False  # Faust would ack each event as soon as the next one is asked for
        await _Batches(stream, handle).run()

    return app


async def serve(app: faust.App, ended: Callable[[], bool], *, abandon: Callable[[], None]) -> None:
    """Run the application until ``ended`` says so or it fails; raises what it failed with.

    ``abandon`` is to end the process: it is called where Faust waits for batches that nobody will finish any more.
    """
    await app.start()
    log.info("intake reads", extra={"topics": sorted(app.topics.acking_topics)})
    try:
        while not (ended() or app.should_stop):  # noqa: ASYNC110 - told by threads and signals, not by this loop
            await asyncio.sleep(0.1)
    finally:
        failure = app.crash_reason
        stopping = asyncio.create_task(app.stop())
        if not (await asyncio.wait([stopping], timeout=_STOP_S))[0]:
            abandon()  # it does not heed being cancelled either
        await stopping
    if failure is not None:
        raise failure


class _Batches:
    """Collects what has come while the last batch was handled: one message alone goes at once, many go together."""

    def __init__(self, stream: Any, handle: Handle) -> None:
        self._stream = stream
        self._handle = handle
        self._waiting: deque[Any] = deque()
        self._held_bytes = 0
        self._more = asyncio.Event()
        self._less = asyncio.Event()

    async def run(self) -> None:
        async with self._worker():
            async for event in self._stream.events():
                self._waiting.append(event)
                self._held_bytes += len(event.message.value or b"")
                self._more.set()
                while len(self._waiting) >= 2 * BATCH or self._held_bytes > _HELD_BYTES:
                    self._less.clear()
                    await self._less.wait()

    @contextlib.asynccontextmanager
    async def _worker(self) -> AsyncIterator[None]:
        thread = ThreadPoolExecutor(1, thread_name_prefix="intake")
        task = asyncio.create_task(self._work(thread))
        try:
            yield
        finally:
            task.cancel()
            # A batch that waits for a server is not waited for here; nothing of it is let go, so it is read again.
            thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self, thread: ThreadPoolExecutor) -> None:
        """Nothing is raised from here: Faust would take an agent that fails for one that has done its work."""
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                while self._waiting:
                    await self._one_batch(thread)
        except GaveUp:
            log.info("intake stops before a batch was written; it is read again")
        except Exception as error:  # a fault of ours: end the application without letting go of anything
            log.exception("intake failed")
            await self._stream.app.crash(error)

    async def _one_batch(self, thread: ThreadPoolExecutor) -> None:
        events = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        messages = [_message(event.message) for event in events]
        await asyncio.get_running_loop().run_in_executor(thread, self._handle, messages)
        for event in events:
            await self._stream.ack(event)
        self._held_bytes -= sum(len(message.value or b"") for message in messages)
        self._less.set()


def _message(raw: Any) -> Message:
    return Message(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        key=raw.key,
        value=raw.value,
        headers=tuple((name, value) for name, value in raw.headers or ()),
        timestamp_ms=int((raw.timestamp or 0) * 1000),
    )
