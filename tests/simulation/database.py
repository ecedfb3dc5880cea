"""The port ``Db``: PostgreSQL as far as projector, dispatch, workers and timers rely on it, in memory.

What is real: every line of Python of theirs, their statements included, which are recognised one by one. What this
replaces: PostgreSQL's reading of those statements. Each has its meaning in ``sql_projection`` or ``sql_work``; one that
has none there is an error, never a guess. What PostgreSQL makes of the statements is tested where they are used.

Transactions are real too: what is written is seen by its own connection alone until it commits, is gone if the process
dies, and a second writer waits for the first one to end. Of isolation this is a little more than PostgreSQL gives
(there two writers wait for each other only at the same rows), of speed nothing is said.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime
from functools import partial
from typing import Any, Self

from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.psycopg2 import dialect
from sqlalchemy.exc import IntegrityError, OperationalError

from tests.simulation.scheduler import Scheduler

__all__ = ["MEANINGS", "Connection", "Database", "Result", "Tables", "meaning"]

Row = dict[str, Any]
Tables = dict[str, dict[Any, Row]]
"""By name with schema; rows by their key. Rows are replaced, never changed."""

Meaning = Callable[["Connection", Row, Any], "Result | None"]
"""Gets the session, the parameters, and the statement itself."""

_DIALECT = dialect()

MEANINGS: dict[str, Meaning] = {}
"""By the statement's text."""


def meaning(*statements: TextClause) -> Callable[[Meaning], Meaning]:
    """This is what PostgreSQL makes of these statements."""

    def enter(function: Meaning) -> Meaning:
        MEANINGS.update((statement.text, function) for statement in statements)
        return function

    return enter


class UnknownStatementError(BaseException):
    """Nobody has written down yet what this statement means. Not to be caught by whoever outlives every error."""


class Found:
    """One row, by place and by name."""

    def __init__(self, row: Row) -> None:
        self._row = row

    def __iter__(self) -> Iterator[Any]:
        return iter(self._row.values())

    def __getitem__(self, index: int) -> Any:
        return list(self._row.values())[index]

    def __getattr__(self, name: str) -> Any:
        try:
            return self._row[name]
        except KeyError:
            raise AttributeError(name) from None

    def _asdict(self) -> Row:
        return self._row


class Result:
    """Rows as SQLAlchemy gives them, as far as they are asked for here."""

    def __init__(self, rows: Iterable[Row] = (), rowcount: int | None = None) -> None:
        self._rows = [Found(row) for row in rows]
        self.rowcount = len(self._rows) if rowcount is None else rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        return self._rows

    def one(self) -> Any:
        (row,) = self._rows
        return row

    def one_or_none(self) -> Any:
        return self.one() if self._rows else None

    def scalars(self) -> list[Any]:
        return [row[0] for row in self._rows]

    def scalar_one(self) -> Any:
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        return self.one()[0] if self._rows else None

    def mappings(self) -> "_Mappings":
        return _Mappings(row._asdict() for row in self._rows)


class _Mappings(list[Row]):
    def all(self) -> list[Row]:
        return self


class Database:
    """All tables. ``faults`` to order: ``cut`` (the connection goes), ``stands`` (it goes at COMMIT, which stands)."""

    def __init__(self, scheduler: Scheduler, now: Callable[[], datetime]) -> None:
        self.scheduler = scheduler
        self.now = now
        self.tables: Tables = {}
        self.writer: Connection | None = None
        self.locks: dict[int, Connection] = {}
        self.connections: list[Connection] = []
        self.faults: list[str] = []
        self.outcomes: Callable[[], dict[str, Any]] = dict
        """Rows of ``decider.outcome`` by record id: the decider's store keeps them."""

    def connect(self) -> "Connection":
        connection = Connection(self)
        self.connections.append(connection)
        return connection

    @contextmanager
    def begin(self) -> Iterator["Connection"]:
        with self.connect() as connection, connection.begin():
            yield connection

    def copy(self) -> Tables:
        """A backup."""
        return deepcopy(self.tables)

    def restore(self, tables: Tables) -> None:
        """Another state of all tables; every session ends."""
        self.cut()
        self.tables = deepcopy(tables)

    def cut(self) -> None:
        """PostgreSQL ends all sessions."""
        for connection in self.connections:
            connection.lose()
        self.connections.clear()

    def rows(self, table: str) -> list[Row]:
        """What is committed."""
        return list(self.tables.get(table, {}).values())


class Connection:
    """One session."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.is_lost = False
        self.stages: dict[str, list[Row]] = {}
        self._own: Tables | None = None
        self._snapshot: Tables | None = None
        self._is_open = False

    # --- as SQLAlchemy's Connection ---

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def begin(self) -> Iterator["Connection"]:
        assert not self._is_open, "a transaction has begun already"
        self._is_open = True
        try:
            yield self
            self.commit()
        finally:
            self._end()

    def execute(self, statement: Any, parameters: Any = None) -> Result:
        if isinstance(statement, TextClause):
            text, members = statement.text, parameters or {}
        else:
            compiled = statement.compile(dialect=_DIALECT)
            text, members = str(compiled), {**compiled.params, "rows": parameters}
        self._called(" ".join(text.split())[:40])
        function = MEANINGS.get(text) or _pattern(text)
        if function is None:
            raise UnknownStatementError(f"give this statement its meaning in tests/simulation: {text}")
        return function(self, members, statement) or Result()

    def execution_options(self, *, isolation_level: str) -> Self:
        """REPEATABLE READ, for reading: everything as it stands now."""
        assert isolation_level == "REPEATABLE READ"
        self._snapshot = self.database.tables
        return self

    def scalar(self, statement: Any, parameters: Any = None) -> Any:
        return self.execute(statement, parameters).scalar_one_or_none()

    def exec_driver_sql(self, statement: str, **_options: Any) -> None:
        self._called(statement[:40])
        verb = statement.partition(" ")[0]
        if verb in {"EXECUTE", "SET", "WITH"}:
            MEANINGS[verb](self, {}, statement)
        elif verb not in {"CREATE", "PREPARE", "NOTIFY"}:
            raise UnknownStatementError(statement)

    @property
    def connection(self) -> "Connection":
        return self

    def cursor(self) -> "_Cursor":
        return _Cursor(self)

    def copy(self, statement: str, body: bytes) -> None:
        """``COPY … FROM STDIN``."""
        self._called(statement[:40])
        MEANINGS["COPY"](self, {"lines": body.decode().split("\n")[:-1]}, statement)

    def invalidate(self) -> None:
        self.lose()

    def close(self) -> None:
        self._end()

    # --- for meanings ---

    def read(self, table: str) -> dict[Any, Row]:
        """The rows as this session sees them."""
        if self._own is not None and table in self._own:
            return self._own[table]
        tables = self.database.tables if self._snapshot is None else self._snapshot
        return tables.get(table, {})

    def write(self, table: str) -> dict[Any, Row]:
        """The rows, to be changed in this transaction. Waits for whoever writes already."""
        database = self.database
        assert self._snapshot is None, "what is read as it stands at one moment is not written"
        while database.writer is not None and database.writer is not self:
            database.scheduler.pause("waits for a lock", idle=True)
            self._check()
        if self._own is None:
            database.writer, self._own = self, {}
        if table not in self._own:
            self._own[table] = dict(database.tables.get(table, {}))
        return self._own[table]

    def refuse(self, message: str) -> IntegrityError:
        """What PostgreSQL raises where a constraint is broken."""
        return IntegrityError(message, None, Exception(message))

    @property
    def now(self) -> datetime:
        """PostgreSQL's clock."""
        return self.database.now()

    def lose(self) -> None:
        """The session is gone; its locks go with it, and what it had not committed."""
        self._end()
        self.is_lost = True
        for lock in [lock for lock, holder in self.database.locks.items() if holder is self]:
            del self.database.locks[lock]

    def _called(self, label: str) -> None:
        self.database.scheduler.pause(label)
        self._check()
        if self.database.faults and self.database.faults[0] == "cut":
            self.database.faults.pop(0)
            self.lose()
            self._check()

    def _check(self) -> None:
        if self.is_lost:
            raise OperationalError("", None, Exception("server closed the connection unexpectedly"))

    def commit(self) -> None:
        """As asked of the transaction, or at its end; the second time it is over already."""
        if not self._is_open:
            return
        self._called("COMMIT")
        own, self._own, self._is_open = self._own, None, False
        self.database.tables = {**self.database.tables, **(own or {})}
        self._end()
        if self.database.faults and self.database.faults[0] == "stands":
            self.database.faults.pop(0)
            self.lose()
            self._check()

    def _end(self) -> None:
        if self.database.writer is self:
            self.database.writer = None
        self._own, self._is_open = None, False
        self.stages.clear()


class _Cursor:
    """A cursor of the driver's own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def copy_expert(self, statement: str, body: Any, size: int = 8192) -> None:
        """``body`` is read until it gives nothing more, as the driver does."""
        self._connection.copy(statement, b"".join(iter(partial(body.read, size), b"")))

    def close(self) -> None:
        """Nothing is held."""


def _pattern(text: str) -> Meaning | None:
    return next((MEANINGS[key] for key in MEANINGS if key.startswith("^") and text.startswith(key[1:])), None)
