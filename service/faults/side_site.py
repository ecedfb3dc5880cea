"""A second, small site: a decider on topics and a database of its own, to be spoilt without spoiling the load."""

import os
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import psycopg2
from sqlalchemy import Engine, make_url, text

from events.clock import now
from events.envelope import encode_request
from projectors.outcome import Outcomes
from service.children import CHILD_MARK
from service.faults.arena import Arena
from service.faults.aside import patiently
from service.faults.cell import CellFailedError, Steps
from service.faults.foreign_hand import delete_topics
from service.faults.one_shot import OneShot
from service.faults.own_streams import TROUBLES, mark_of
from service.faults.role_process import RoleProcess
from service.settings import PROJECT
from service.stack.endpoints import Endpoints
from service.wiring import Wiring

__all__ = ["SUBJECT", "SideSite", "leave", "side_site"]

SUBJECT = "side/one"
"""The one file that it knows of."""
PARTITIONS = {"file": 1, "group": 1, "identity": 1, "op": 1, "stream": 1}
_DECIDED_S = 60.0
_LOOK_S = 5.0


class SideSite:
    """``tend`` its decider while waiting; `side_site` makes one and takes it away again."""

    def __init__(self, arena: Arena, name: str, *, kafka: str | None = None) -> None:
        self.arena = arena
        direct = arena.wiring.endpoints
        url = make_url(direct.database).set(database=name)
        endpoints = Endpoints(kafka or direct.kafka, url.render_as_string(hide_password=False), direct.s3)
        settings = arena.settings.model_copy(
            update={"site": name, "s3_bucket": f"{name}-archive", "partitions": PARTITIONS}
        )
        self.wiring = Wiring(settings, endpoints, "faults")
        self.engine: Engine = self.wiring.engine(pool_size=2, statement_timeout_s=_LOOK_S)
        self.decider = self._process("decider", PROJECT)
        self._beside: list[RoleProcess] = []

    @property
    def requests(self) -> str:
        """The topic of its file machine's requests."""
        return self.wiring.topics.requests("file")

    @property
    def ledger(self) -> str:
        """The topic of its file machine's events."""
        return self.wiring.topics.events("file")

    def decided(self, *, within_s: float = _DECIDED_S) -> Steps:
        """Ask something of it and yield until it is decided."""
        return self.noted(within_s=within_s)

    def noted(self, *, within_s: float = _DECIDED_S) -> Steps:
        """A remark about its one file: a fact once that has arrived, a refusal before."""
        return self._asked("note", {"text": "a note"}, within_s=within_s)

    def arrived(self) -> Steps:
        """Its one file is announced."""
        content = {"uri": "s3://landing/one", "size_bytes": 100, "sha256": "0" * 64}
        told = {"content": content, "witness": "inbox.faults/0/0", "stream_version": 1}
        return self._asked("arrive", told, within_s=_DECIDED_S)

    def _asked(self, request: str, data: dict[str, Any], *, within_s: float) -> Steps:
        identifier = str(uuid4())
        value = encode_request(
            id=identifier, type=f"file.{request}", subject=SUBJECT, actor="faults", source="faults", at=now(),
            data=data, reason="a fault is tried",
        )  # fmt: skip

        def ask() -> bool:
            logs = self.wiring.log()
            writer = logs.writer()
            try:
                writer.send(self.requests, key=SUBJECT.encode(), value=value, partition=0)
                writer.flush(_LOOK_S)
                outcomes = Outcomes(self.engine, site=self.wiring.settings.site)
                if not outcomes.wait([(SUBJECT, identifier)], timeout_s=_LOOK_S):
                    raise TimeoutError(f"{SUBJECT}: no outcome of {identifier} yet")
            finally:
                writer.close()
                logs.close()
            return True

        yield from self.tended(
            patiently(ask, what="a request decided by the second site", errors=TROUBLES, within_s=within_s)
        )

    def halted(self, *codes: str, within_s: float = _DECIDED_S) -> Steps:
        """Yield until a halt of one of these codes stands."""

        def look() -> bool:
            with self.engine.connect() as connection:
                found = list(connection.execute(text("SELECT code FROM decider.halt")).scalars())
            if not set(codes) & set(found):
                raise TimeoutError(f"halts: found {found or 'none'}, wanted {' or '.join(codes)}")
            return True

        what = f"the halt {' or '.join(codes)}"
        yield from self.tended(patiently(look, what=what, errors=TROUBLES, within_s=within_s))

    def recovered(self) -> Generator[None, None, bool]:
        """Say ``recover --apply``, as an operator does; False: no command leads past what stands."""
        command = OneShot(self.wiring, ("recover", "--apply", "--reason", "a fault was tried", "--yes"))
        try:
            yield from self.tended(
                self.arena.until(command.is_over, within_s=_DECIDED_S, what="meridian recover --apply done")
            )
            if command.code not in {0, 1}:
                raise CellFailedError(f"meridian recover ended with {command.code}: {command.said[-600:]}")
            return command.code == 0
        finally:
            command.end()

    def tended(self, steps: Steps) -> Steps:
        """These steps, with its processes started again where they end."""
        for _ in steps:
            for process in (self.decider, *self._beside):
                process.tend()
            yield

    def beside(self, role: str, *, tree: Path = PROJECT) -> RoleProcess:
        """Another process of the site, running now, of the code in ``tree``."""
        process = self._process(role, tree)
        self._beside.append(process)
        process.start()
        return process

    def hold_down(self) -> None:
        """End all of its processes, for good."""
        for process in (self.decider, *self._beside):
            process.hold_down()

    def restart(self) -> None:
        """Kill the decider; it is started again by the next look."""
        self.decider.kill()

    def _process(self, role: str, tree: Path) -> RoleProcess:
        name = self.wiring.settings.site
        log = self.arena.place.logs / f"{name}.log"
        return RoleProcess(f"{role} of {name}", role, environment=self._environment(tree), log=log)

    def _environment(self, tree: Path) -> dict[str, str]:
        settings = self.wiring.settings
        return {
            **self.wiring.endpoints.environment(),
            "MERIDIAN_SITE": settings.site,
            "MERIDIAN_DATA": str(settings.data / settings.site),
            "MERIDIAN_S3_BUCKET": settings.s3_bucket,
            "MERIDIAN_PARTITIONS": ",".join(f"{name}={count}" for name, count in PARTITIONS.items()),
            "MERIDIAN_LOG_LEVEL": "info",
            "PYTHONPATH": str(tree),
            "PYTHONSAFEPATH": "1",
            "PATH": os.environ.get("PATH", ""),
            CHILD_MARK: "1",
        }


def side_site(arena: Arena, dice: Random, *, kafka: str | None = None) -> Generator[None, None, SideSite]:
    """Make one and yield until it decides, perhaps on brokers of its own; `leave` takes it away."""
    site = SideSite(arena, f"side{mark_of(dice)[:10]}", kafka=kafka)
    yield from patiently(
        lambda: _make(site), what="a database for a second site", errors=(*TROUBLES, psycopg2.Error)
    )
    site.decider.start()
    try:
        yield from site.decided()
    except BaseException:
        site.decider.hold_down()  # nobody else knows of it yet
        raise
    return site


def leave(site: SideSite) -> Steps:
    """End its processes and take away its database and topics."""
    site.hold_down()
    site.engine.dispose()

    def remove() -> None:
        _say(site.arena, f'DROP DATABASE IF EXISTS "{site.wiring.settings.site}" WITH (FORCE)')
        logs = site.wiring.log()
        try:
            names = [name for name in logs.names() if name.startswith(f"{site.wiring.settings.site}.")]
        finally:
            logs.close()
        delete_topics(site.wiring.endpoints.kafka, names)

    yield from patiently(remove, what="the second site gone", errors=(*TROUBLES, psycopg2.Error))


def _make(site: SideSite) -> None:
    from migrations import upgrade

    name = site.wiring.settings.site
    _say(site.arena, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    _say(site.arena, f'CREATE DATABASE "{name}" TEMPLATE template0')
    upgrade(site.wiring.endpoints.database)


def _say(arena: Arena, statement: str) -> None:
    url = make_url(arena.wiring.endpoints.database)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(plain, connect_timeout=3)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)
