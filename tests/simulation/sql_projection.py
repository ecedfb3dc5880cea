"""What the statements of follower and projector mean: positions, COPY, MERGE by the rules of columns, quarantine."""

import re
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Boolean, Column, DateTime, Float, Integer, Table, TextClause
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError

from consumers.work_items import position as work_position
from projectors import ledger, merge
from projectors.database import metadata
from projectors.decided import outcome
from projectors.positions import DIVISION_BY_ZERO, _move_statement, position
from projectors.projection import COMBINE, EMPTIED
from tests.simulation.database import MEANINGS, Connection, Result, meaning

Row = dict[str, Any]
_MOVES = [_move_statement(table) for table in (position, work_position)]


# --- positions ---


@meaning(*_MOVES)
def _move(connection: Connection, members: Row, statement: TextClause) -> Result:
    """Compare and set, as far as the statement has these conditions."""
    wanted = {
        column: members[name]
        for column, name in (("next_offset", "found"), ("owner_epoch", "epoch"))
        if f"{column} = :{name}" in statement.text
    }
    return _moved(connection, statement.text.split()[1], members, wanted)


def _moved(connection: Connection, table: str, members: Row, wanted: Row) -> Result:
    rows = connection.write(table)
    key = (members["follower"], members["machine"], members["partition"])
    row = rows.get(key)
    if row is None or any(row[name] != value for name, value in wanted.items()):
        return Result(rowcount=0)
    told = [each for each in (row["last_event_at"], members["last_event_at"]) if each is not None]
    moved = {"next_offset": members["wanted"], "applied_at": connection.now}
    rows[key] = {**row, **moved, "last_event_at": max(told, default=None)}
    return Result(rowcount=1)


class _DividedByZeroError(Exception):
    pgcode = DIVISION_BY_ZERO


def _move_in_one_call(connection: Connection, _members: Row, statement: str) -> None:
    """Moves that divide by how many rows they have moved, then what else the call does."""
    rest = statement
    while found := _MOVED.match(rest):
        said = found.groupdict()
        members = {
            "follower": said["follower"],
            "machine": said["machine"],
            "partition": int(said["partition"]),
            "wanted": int(said["wanted"]),
            "last_event_at": datetime.fromisoformat(said["at"]) if said["at"] else None,
        }
        given = {"next_offset": said["found"], "owner_epoch": said["epoch"]}
        wanted = {name: int(value) for name, value in given.items() if value is not None}
        if not _moved(connection, said["table"], members, wanted).rowcount:
            raise DataError(statement, None, _DividedByZeroError("division by zero"))
        rest = rest[found.end() :]
    _execute(connection, {}, rest)


_MOVED = re.compile(
    r"WITH moved AS \(UPDATE (?P<table>\S+) SET next_offset = (?P<wanted>\d+), applied_at = clock_timestamp\(\), "
    r"last_event_at = GREATEST\(last_event_at, CAST\((?:'(?P<at>[^']*)'|NULL) AS timestamptz\)\) "
    r"WHERE follower = '(?P<follower>[^']*)' AND machine = '(?P<machine>[^']*)' AND partition = (?P<partition>\d+) "
    r"(?:AND next_offset = (?P<found>\d+) AND owner_epoch = (?P<epoch>\d+) ?)?RETURNING 1\) "
    r"SELECT 1 / count\(\*\) FROM moved; "
)


def _take_over(connection: Connection, members: Row, statement: Any) -> Result:
    table: Table = statement.table
    rows = connection.write(table.fullname)
    key = (members["follower"], members["machine"], members["partition"])
    if key in rows:
        rows[key] = {**rows[key], "owner_epoch": rows[key]["owner_epoch"] + 1}
    else:
        rows[key] = {column.name: members.get(column.name) for column in table.columns}
    return Result([{name: rows[key][name] for name in ("next_offset", "owner_epoch")}])


def _positions(connection: Connection, members: Row, statement: Any) -> Result:
    (table,) = statement.get_final_froms()
    rows = connection.read(table.fullname)
    return Result(row for key, row in sorted(rows.items()) if key[0] == members["follower_1"])


for _table in (position, work_position):
    MEANINGS[f"^INSERT INTO {_table.fullname}"] = _take_over
    MEANINGS[f"^SELECT {_table.fullname}.follower"] = _positions


# --- rows ---


def _cell(column: Column[Any], cell: str) -> Any:
    if cell == "\\N":
        return None
    if isinstance(column.type, JSONB):
        return orjson.loads(cell.replace("\\\\", "\\"))
    if isinstance(column.type, Boolean):
        return cell == "t"
    if isinstance(column.type, Integer):
        return int(cell)
    if isinstance(column.type, Float):
        return float(cell)
    if isinstance(column.type, DateTime):
        return datetime.fromisoformat(cell)
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "r": "\r"}.get(found[1], found[1]), cell)


def _copy(connection: Connection, members: Row, statement: str) -> None:
    found = re.match(r"COPY (\S+) \((.*)\) FROM STDIN", statement)
    assert found is not None
    names = [name.strip(' "') for name in found[2].split(",")]
    table = _TABLE_OF.get(found[1])
    columns = (metadata.tables[table or found[1]]).columns
    for line in members["lines"]:
        cells = dict(zip(names, line.split("\t"), strict=True))
        emptied = int(cells.pop(EMPTIED, "0"))
        row = {name: _cell(columns[name], cell) for name, cell in cells.items()}
        if table is None:
            _insert(connection, metadata.tables[found[1]], row)
        else:
            connection.stages.setdefault(found[1], []).append({**row, EMPTIED: emptied})


def _execute(connection: Connection, _members: Row, statement: str) -> None:
    """A staged MERGE; or new rows and MERGEs of one row each, whose values stand in the statement."""
    calls: list[tuple[str, list[str], list[str]]] = []
    for token in _TOKEN.finditer(statement):
        if token["name"]:
            calls.append((token["name"], [], []))
        elif token["into"]:
            calls.append((token["into"], [name.strip(' "') for name in token["names"].split(",")], []))
        else:
            calls[-1][2].append("\\N" if token["text"] is None else token["text"].replace("''", "'"))
    for name, names, cells in calls:
        if names:
            table = metadata.tables[name]
            for each in zip(*[iter(cells)] * len(names), strict=True):
                row = {one: _cell(table.columns[one], cell) for one, cell in zip(names, each, strict=True)}
                _insert(connection, table, row)
            continue
        if name in _TABLE_OF:
            _merge(connection, metadata.tables[_TABLE_OF[name]], connection.stages.pop(name, []))
            continue
        table = metadata.tables[_TABLE_OF["staged" + name.removeprefix("single")]]
        *values, emptied = cells
        row = {c.name: _cell(c, cell) for c, cell in zip(table.columns, values, strict=True)}
        given = {name: value for name, value in row.items() if value is not None}
        _merge(connection, table, [{**given, EMPTIED: int(emptied)}])


def _merge(connection: Connection, table: Table, given: list[Row]) -> None:
    """MERGE by the rules of the columns, as ``projectors.merge`` writes it down in SQL."""
    rows = connection.write(table.fullname)
    for new in given:
        key = _key(table, new)
        old = rows.get(key)
        emptied = new.pop(EMPTIED)
        if old is None:
            _insert(connection, table, new)
            continue
        merged = {
            c.name: _joined(c, old[c.name], new.get(c.name), is_emptied=bool(emptied & 1 << index))
            for index, c in enumerate(table.columns)
        }
        _check(connection, table, merged)
        rows[key] = merged


def _joined(column: Column[Any], old: Any, new: Any, *, is_emptied: bool) -> Any:
    rule = column.info.get("rule")
    if rule is not None:
        return (old if new is None else new) if old is None or new is None else COMBINE[rule](old, new)
    return None if is_emptied and column.nullable else old if new is None else new


def _insert(connection: Connection, table: Table, row: Row) -> None:
    rows = connection.write(table.fullname)
    whole = {column.name: _or_default(column, row.get(column.name)) for column in table.columns}
    _check(connection, table, whole)
    key = _key(table, whole)
    if key in rows:
        raise connection.refuse(f"{table.fullname}: duplicate key {key}")
    if table is ledger.ledger:
        taken = connection.write("ledger by sequence")
        one = (row["machine"], row["subject"], row["sequence"])
        if one in taken:
            raise connection.refuse(f"{table.fullname}: duplicate key {one}")
        taken[one] = {}
    rows[key] = whole


def _or_default(column: Column[Any], value: Any) -> Any:
    default = column.server_default
    if value is None and default is not None and str(default.arg) == "false":  # type: ignore[attr-defined]
        return False
    return value


def _check(connection: Connection, table: Table, row: Row) -> None:
    missing = [column.name for column in table.columns if not column.nullable and row[column.name] is None]
    if missing and not all(metadata.tables[table.fullname].columns[name].identity for name in missing):
        raise connection.refuse(f"{table.fullname}: no value for {missing}")


def _key(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row.get(column.name) for column in table.primary_key.columns)


MEANINGS["COPY"] = _copy
MEANINGS["EXECUTE"] = _execute
MEANINGS["SET"] = _execute
MEANINGS["WITH"] = _move_in_one_call
_TOKEN = re.compile(
    r"INSERT INTO (?P<into>\S+) \((?P<names>[^)]*)\) VALUES|EXECUTE (?P<name>\w+)(?: \()?"
    r"|NULL|E'(?P<text>(?:[^']|'')*)'"
)
_TABLE_OF = {f"staged_{table.schema}_{table.name}": name for name, table in metadata.tables.items()}


@meaning(merge._STAGED, merge._PREPARED)
def _nothing(_connection: Connection, _members: Row, _statement: Any) -> Result:
    """Stages are there at once, and nobody listens."""
    return Result()


def _last_sequences(connection: Connection, members: Row, statement: TextClause) -> Result:
    last: dict[str, int] = {}
    for row in connection.read(statement.text.split()[4]).values():
        if row["machine"] == members["machine"] and row["subject"] in members["subjects"]:
            last[row["subject"]] = max(row["sequence"], last.get(row["subject"], 0))
    return Result({"subject": subject, "max": sequence} for subject, sequence in last.items())


def _taints(connection: Connection, _members: Row, _statement: Any) -> Result:
    rows = connection.read("projection.tainted").values()
    return Result({"machine": row["machine"], "subject": row["subject"]} for row in rows)


def _add_taints(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = connection.write("projection.tainted")
    for row in members["rows"]:
        rows.setdefault((row["machine"], row["subject"]), row)
    return Result()


MEANINGS["^SELECT subject, max(sequence) FROM"] = _last_sequences
MEANINGS["^SELECT decider.passed"] = lambda _connection, _members, _statement: None
MEANINGS["^INSERT INTO rebuild.folded_by"] = lambda _connection, _members, _statement: None
MEANINGS["^SELECT projection.tainted"] = _taints
MEANINGS["^INSERT INTO projection.tainted"] = _add_taints


# --- outcomes ---


def _outcomes(connection: Connection, members: Row, _statement: Any) -> Result:
    wanted = {each for name, value in members.items() if name.startswith("record_id") for each in value}
    rows = {key: row._asdict() for key, row in connection.database.outcomes().items()}
    return Result(rows[each] for each in wanted if each in rows)


MEANINGS[f"^SELECT {outcome.fullname}"] = _outcomes
