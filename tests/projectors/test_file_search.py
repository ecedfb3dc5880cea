"""Finding files by name reads the indexes, however many files there are."""

import os
import time

from sqlalchemy import Connection, Engine, text

from projectors.file_search import NAMED, named

FILES = int(os.environ.get("FILES_TO_SEARCH", "20000"))


def many_files(engine: Engine, count: int) -> None:
    """Two streams with files of the same names, and one with other names."""
    with engine.begin() as connection:
        for stream in ("keck", "roman"):
            values = {"stream": stream, "count": count // 2}
            connection.execute(
                text(
                    "INSERT INTO projection.file_status (file, name, versions) "
                    "SELECT :stream || '/f' || n, 'f' || n, 1 FROM generate_series(1, :count) n"
                ),
                values,
            )
            connection.execute(
                text(
                    "INSERT INTO projection.file_version (file, version, stream, name, state, since_at, attempt,"
                    " sequence, event_id, partition, ledger_offset)"
                    " SELECT :stream || '/f' || n, 1, :stream, 'f' || n, 'QUEUED',"
                    " now(), 1, 1, gen_random_uuid(), 0, n FROM generate_series(1, :count) n"
                ),
                values,
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE projection.file_status, projection.file_version"))


def plan(connection: Connection, names: list[str]) -> str:
    rows = connection.execute(text(f"EXPLAIN (ANALYZE, BUFFERS) {NAMED}"), {"names": names}).scalars()
    return "\n".join(rows)


def test_files_are_found_by_either_name_each_once_and_by_the_indexes(engine):
    many_files(engine, FILES)
    with engine.connect() as connection:
        began = time.monotonic()
        found = [row["file"] for row in named(connection, ["f7", "keck/f7", "roman/f9", "nowhere"])]
        took = time.monotonic() - began
        steps = plan(connection, ["f7", "keck/f7", "roman/f9", "nowhere"])
        assert found == ["keck/f7", "roman/f7", "roman/f9"]
        assert "Seq Scan" not in steps
        assert named(connection, []) == []
    print(f"{FILES} files: {took:.4f} s\n{steps}")
