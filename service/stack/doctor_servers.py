"""Checks of the servers: whether they do what Meridian relies on, not only whether something listens."""

import base64
import hashlib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from events.kafka_log import KafkaLog
from events.log import LogError, Place
from events.topics import Topics
from service.settings import Settings
from service.stack.checkup import Check, Outcome, judged
from service.stack.endpoints import Endpoints
from service.stack.kafka_probe import count_brokers
from service.stack.s3_probe import ask

__all__ = ["CHECKS"]

_POSITIONS_S = 3.0
_SKEW_S = 2.0
_BEHIND_S = 60.0


def kafka(_: Settings, at: Endpoints) -> Check:
    """Some broker answers."""
    counts = [count_brokers(*_host_and_port(broker)) for broker in at.kafka.split(",")]
    return judged(
        "kafka",
        fine=max(counts) > 0,
        found=f"{at.kafka}: {max(counts)} brokers serving" if max(counts) else f"{at.kafka} does not answer",
        remedy="./meridian up, or correct MERIDIAN_KAFKA",
    )


def positions(settings: Settings, at: Endpoints) -> Check:
    """The brokers keep the deciders' positions: one that came back from a full disk may serve all but these."""
    topics = Topics(settings.site)
    log = KafkaLog(at.kafka, client_id="meridian-doctor", patience_s=_POSITIONS_S)
    try:
        known = log.partitions(topics.requests(machine) for machine in settings.partitions)
        for machine in settings.partitions:
            requests = topics.requests(machine)
            places = [Place(requests, number) for number in range(known.get(requests, 0))]
            log.committed(topics.decider(machine), places)
    except LogError as error:
        remedy = (
            "if the check of kafka is fine: start the broker again (meridian down, meridian up where it is ours); "
            "nothing is lost, what was not committed is decided then"
        )
        return Check("kafka positions", Outcome.WRONG, str(error), remedy)
    finally:
        log.close()
    return Check(
        "kafka positions", Outcome.FINE, f"served for {len(known)} of {len(settings.partitions)} machines"
    )


def database(_: Settings, at: Endpoints) -> Check:
    """PostgreSQL answers, is new enough, and can be written."""
    try:
        with create_engine(at.database, connect_args={"connect_timeout": 3}).connect() as connection:
            version = str(connection.scalar(text("SHOW server_version")))
            standby = connection.scalar(text("SELECT pg_is_in_recovery()"))
    except SQLAlchemyError as error:
        return Check("database", Outcome.WRONG, _said(error), "./meridian up, or correct MERIDIAN_DATABASE")
    return judged(
        "database",
        fine=int(version.split(".", maxsplit=1)[0]) >= 15
        and not standby,  # 15: MERGE and security_invoker views
        found=f"PostgreSQL {version}{', a standby that can only be read' if standby else ''}",
        remedy="name the primary of a PostgreSQL 15 or newer in MERIDIAN_DATABASE",
    )


def migrations(_: Settings, at: Endpoints) -> Check:
    """The tables are those of this version."""
    from migrations import current, heads

    try:
        wanted, found = set(heads()), set(current(at.database))
    except SQLAlchemyError as error:
        return Check("migrations", Outcome.WRONG, _said(error), "see database")
    return judged(
        "migrations",
        fine=found == wanted,
        found=f"at {', '.join(sorted(found)) or 'none'}, wanted {', '.join(sorted(wanted)) or 'none'}",
        remedy="./meridian up brings the tables up to date",
    )


def clock(_: Settings, at: Endpoints) -> Check:
    """Our clock and the database's agree: deadlines and leases compare them."""
    try:
        with create_engine(at.database, connect_args={"connect_timeout": 3}).connect() as connection:
            began = datetime.now(UTC)
            theirs = connection.scalar(text("SELECT clock_timestamp()"))
            ours = began + (datetime.now(UTC) - began) / 2
    except SQLAlchemyError as error:
        return Check("clock", Outcome.WRONG, _said(error), "see database")
    apart_s = abs((theirs - ours).total_seconds()) if theirs else 0.0
    return judged(
        "clock",
        fine=apart_s < _SKEW_S,
        found=f"{apart_s:.3f} s from the database's",
        remedy="let both machines follow the same time server (NTP)",
    )


def ledger_time(_: Settings, at: Endpoints) -> Check:
    """No record of the ledger is newer than our clock: a clock that was set back stands behind what it has said."""
    try:
        with create_engine(at.database, connect_args={"connect_timeout": 3}).connect() as connection:
            known = connection.scalar(text("SELECT to_regclass('projection.position')")) is not None
            newest = (
                connection.scalar(text("SELECT max(last_event_at) FROM projection.position"))
                if known
                else None
            )
    except SQLAlchemyError as error:
        return Check("ledger time", Outcome.WRONG, _said(error), "see database")
    ahead_s = (newest - datetime.now(UTC)).total_seconds() if newest else 0.0
    found = f"{ahead_s:.0f} s ahead of this clock" if ahead_s > 0 else "not ahead of this clock"
    return judged(
        "ledger time",
        fine=ahead_s < _BEHIND_S,
        found=f"the newest record is {found}",
        remedy="set the clock right (NTP); records keep the time of the record before them until it has caught up",
        otherwise=Outcome.ATTENTION,
    )


def storage(settings: Settings, at: Endpoints) -> Check:
    """A small object can be put, is refused under a wrong checksum, comes back whole, and can be removed."""
    path = f"/{settings.s3_bucket}/doctor-{uuid.uuid4().hex}"
    body = path.encode()
    right, wrong = ({"x-amz-checksum-sha256": _sha256(data)} for data in (body, b"something else"))
    if ask(at.s3, "HEAD", f"/{settings.s3_bucket}").status == 404:
        return Check("s3", Outcome.ATTENTION, f"no bucket {settings.s3_bucket} yet", "./meridian up makes it")
    put = ask(at.s3, "PUT", path, body=body, headers=right)
    refused = ask(at.s3, "PUT", path + "-wrong", body=body, headers=wrong)
    got = ask(at.s3, "GET", path)
    ask(at.s3, "DELETE", path)
    statuses = f"put {put.status}, wrong checksum {refused.status}, get {got.status}"
    return judged(
        "s3",
        fine=put.status == 200 and 400 <= refused.status < 500 and got.body == body,
        found=f"{at.s3.endpoint}/{settings.s3_bucket}: {statuses}",
        remedy="wanted 200, 400 and 200: ./meridian up, or correct MERIDIAN_S3_ENDPOINT, _ACCESS_KEY, _SECRET_KEY",
    )


def _host_and_port(broker: str) -> tuple[str, int]:
    host, _, port = broker.rpartition(":")
    return host.strip("[]"), int(port)


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def _said(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]


CHECKS: tuple[Callable[[Settings, Endpoints], Check], ...] = (
    kafka,
    positions,
    database,
    migrations,
    clock,
    ledger_time,
    storage,
)
