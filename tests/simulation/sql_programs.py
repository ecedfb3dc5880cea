"""What the statements about observing programs mean: their datasets, their parts, and which policies are in force."""

from datetime import datetime
from typing import Any

import orjson

from consumers import homes, known_programs
from tests.simulation.database import Connection, Result, meaning
from tests.simulation.sql_work import CONFIGURATION, ITEM, NO_LEASE, UNFINISHED, _change

__all__: list[str] = []

Row = dict[str, Any]
DATASET, PART = "work.program_dataset", "work.program_part"


def _rows(members: Row) -> list[Row]:
    found: list[Row] = orjson.loads(members["rows"])
    return found


def _stripped(value: Any) -> Any:
    """``jsonb_strip_nulls``: members without a value are left out, at every depth; elements of arrays are not."""
    if isinstance(value, dict):
        return {name: _stripped(each) for name, each in value.items() if each is not None}
    return [_stripped(each) for each in value] if isinstance(value, list) else value


@meaning(known_programs._KEEP_DATASETS)
def _keep_datasets(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = connection.write(DATASET)
    for new in _rows(members):
        key = (new["subject"], new["dataset"])
        old = rows.get(key)
        if old is None or old["sequence"] <= new["sequence"]:
            told = old["told"] if old is not None and new["is_gone"] else new["told"]
            rows[key] = {**new, "told": told}
    return Result()


@meaning(known_programs._KEEP_PARTS)
def _keep_parts(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = connection.write(PART)
    for new in _rows(members):
        key = (new["subject"], new["part"])
        old = rows.get(key)
        if old is None or old["sequence"] < new["sequence"]:
            rows[key] = {**new, "known": _stripped({**(old["known"] if old else {}), **new["known"]})}
    return Result()


@meaning(known_programs._PASS)
def _pass(connection: Connection, members: Row, _statement: Any) -> Result:
    count = 0
    for r in _rows(members):
        over = [
            key
            for key, i in connection.write(ITEM).items()
            if i["subject"] == r["subject"] and i["part"] == r["part"] and i["sequence"] < r["sequence"]
            and i["state"] in UNFINISHED
        ]  # fmt: skip
        ended = {"state": "stale", "finished_at": datetime.fromisoformat(r["at"]), "report": None}
        count += _change(connection, ITEM, over, **ended, **NO_LEASE)
    return Result(rowcount=count)


@meaning(known_programs._DATASETS)
def _datasets(connection: Connection, members: Row, _statement: Any) -> Result:
    asked = {(r["subject"], r["program"]) for r in _rows(members)}
    names = ("subject", "program", "told", "sequence")
    return Result(
        {name: d[name] for name in names}
        for _, d in sorted(connection.read(DATASET).items())
        if (d["subject"], d["program"]) in asked and not d["is_gone"]
    )


@meaning(known_programs._NAMES)
def _names(connection: Connection, members: Row, _statement: Any) -> Result:
    return Result(
        {"dataset": d["dataset"]}
        for d in connection.read(DATASET).values()
        if d["subject"] == members["subject"] and d["program"] == members["program"]
    )


@meaning(known_programs._PARTS)
def _parts(connection: Connection, members: Row, _statement: Any) -> Result:
    rows, names = connection.read(PART), ("subject", "part", "known", "sequence")
    asked = [(r["subject"], r["part"]) for r in _rows(members)]
    return Result({name: rows[key][name] for name in names} for key in asked if key in rows)


def _datasets_now(known: Row) -> int:
    """``#>>``: what is not there counts as none."""
    count: int = known.get("now", {}).get("cover", {}).get("datasets", 0)
    return count


@meaning(known_programs._PAGE)
def _page(connection: Connection, members: Row, _statement: Any) -> Result:
    place, names = (members["subject"], members["part"]), ("subject", "part", "known", "sequence")
    behind = [
        p
        for key, p in sorted(connection.read(PART).items())
        if key > place and p["part"].startswith("program:") and _datasets_now(p["known"]) > 0
    ]
    return Result({name: p[name] for name in names} for p in behind[: members["at_most"]])


@meaning(homes._HOME)
def _home(connection: Connection, _members: Row, _statement: Any) -> Result:
    newest: dict[str, Row] = {}
    for _, row in sorted(connection.read(CONFIGURATION).items()):
        newest[row["stream"]] = row
    found = [row for _, row in sorted(newest.items()) if "programs" in row["configuration"]]
    names = ("stream", "configuration_version")
    return Result({name: row[name] for name in names} for row in found[:1])


@meaning(homes._CONFIGURATION)
def _configuration(connection: Connection, members: Row, _statement: Any) -> Result:
    row = connection.read(CONFIGURATION)[members["stream"], members["configuration_version"]]
    return Result([{"configuration": row["configuration"]}])
