"""The register of files, an outside table in the same database, carried over a change of everything around it."""

from contextlib import closing
from io import StringIO

import psycopg2
from sqlalchemy import make_url

__all__ = ["Register"]

_TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'operations' ORDER BY 1"
_SEQUENCES = "SELECT quote_ident(sequencename), last_value FROM pg_sequences WHERE schemaname = 'operations'"


class Register:
    """Read with its numbers, and written back; raises psycopg2.Error where the database does not answer."""

    def __init__(self, database: str) -> None:
        self._address = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
        self._tables: dict[str, str] = {}
        self._sequences: dict[str, int] = {}

    def read(self) -> None:
        """As it is now."""
        with closing(self._connected()) as connection, connection.cursor() as cursor:
            cursor.execute(_TABLES)
            for (name,) in cursor.fetchall():
                text = StringIO()
                cursor.copy_expert(f"COPY operations.{name} TO STDOUT", text)
                self._tables[name] = text.getvalue()
            cursor.execute(_SEQUENCES)
            self._sequences = dict(cursor.fetchall())

    def write(self) -> None:
        """As it was read, instead of what is there."""
        with closing(self._connected()) as connection, connection, connection.cursor() as cursor:
            for name, rows in self._tables.items():
                cursor.execute(f"TRUNCATE operations.{name}")
                cursor.copy_expert(f"COPY operations.{name} FROM STDIN", StringIO(rows))
            for name, last in self._sequences.items():
                if last:
                    cursor.execute("SELECT setval(%s, %s)", (f"operations.{name}", last))

    def _connected(self) -> "psycopg2.extensions.connection":
        return psycopg2.connect(self._address, connect_timeout=3)
