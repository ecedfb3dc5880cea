"""How PostgreSQL is spoken to: one catalogue of tables, one way to make an engine."""

from collections.abc import Mapping

from sqlalchemy import Engine, MetaData, create_engine, make_url

from projectors.driver_errors import as_outage
from projectors.rested import asked_after_rest

__all__ = ["SCHEMAS", "make_engine", "metadata", "normal_url"]

SCHEMAS = ("decider", "projection", "rebuild", "work", "operations", "v1")
"""``decider``: caches of the decider. ``projection``: read models. ``rebuild``: notes on what is filled beside them.
``work``: work items and deadlines. ``operations``: the archive's own registers, never rebuilt. ``v1``: views for
everyone else."""

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
        "uq": "%(table_name)s_one_%(column_0_N_name)s",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_of_%(referred_table_name)s",
        "pk": "%(table_name)s_key",
    }
)
"""Every table of Meridian, each with its schema; migrations are made from it."""


_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""By default a server keeps the session of a machine that has gone, and the locks it holds, for two hours."""


def normal_url(url: str) -> str:
    """The URL with psycopg2 as its driver: SQLAlchemy 2.1 takes a bare ``postgresql://`` for psycopg 3."""
    parsed = make_url(url)
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise ValueError(
            f"database: found {parsed.get_backend_name()}, wanted postgresql://user@host/database"
        )
    return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def make_engine(
    url: str,
    application_name: str,
    *,
    statement_timeout_s: float | None = None,
    lock_timeout_s: float | None = None,
    idle_in_transaction_s: float | None = None,
    settings: Mapping[str, str] | None = None,
    pool_size: int = 5,
) -> Engine:
    """An engine on psycopg2. Make it after a fork, never before. ``settings``: PostgreSQL's own, for each session.

    ``idle_in_transaction_s``: a session that says nothing for so long inside a transaction is cut off, and its locks
    are free: its process is frozen, or its machine has gone.
    """
    wanted = {"timezone": "UTC", **_KEEPALIVE, **(settings or {})}
    if idle_in_transaction_s is not None:
        wanted["idle_in_transaction_session_timeout"] = str(round(idle_in_transaction_s * 1000))
    if statement_timeout_s is not None:
        wanted["statement_timeout"] = str(round(statement_timeout_s * 1000))
    if lock_timeout_s is not None:
        wanted["lock_timeout"] = str(round(lock_timeout_s * 1000))
    options = " ".join(f"-c {name}={_escaped(value)}" for name, value in wanted.items())
    engine = create_engine(
        normal_url(url),
        pool_size=pool_size,
        connect_args={"application_name": application_name, "options": options, "connect_timeout": 5},
    )
    return asked_after_rest(as_outage(engine))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
