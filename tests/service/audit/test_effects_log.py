"""What the facts say of objects: products, originals, pictures, logs, and values too long for a record."""

import sqlite3
from typing import Any

import pytest

from service.audit.effects_log import EffectsLog

SUM = "a" * 64


def an_object(key: str) -> dict[str, Any]:
    return {"bucket": "archive", "key": key, "size_bytes": 3, "sha256": SUM}


LOGGED = {"usage": {"log_object": "s3://archive/logs/a"}}
NAMED = [
    ("file.validated", {"metadata_object": an_object("metadata/a"), **LOGGED}, ["logs/a", "metadata/a"]),
    ("file.validated", {}, []),
    ("file.transferred", {"object": an_object("a")}, ["a"]),
    ("file.rejected", {"quarantine": an_object("quarantine/a"), **LOGGED}, ["logs/a", "quarantine/a"]),
    ("file.failed", LOGGED, ["logs/a"]),
    ("file.previewed", {"preview": {"object": an_object("previews/a"), **LOGGED}}, ["logs/a", "previews/a"]),
    ("file.previewed", {"preview": {"code": "NOTHING_TO_SHOW"}}, []),
]


def kept(*facts: tuple[str, dict[str, Any]]) -> list[str]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    log = EffectsLog(connection)
    for offset, (kind, data) in enumerate(facts):
        about = {"subject": "roman/a", "version": 1, "id": "e", "type": kind}
        log.take({**about, "data": data}, "topic/0", offset)
    log.end()
    return [key for (key,) in connection.execute("SELECT key FROM object ORDER BY key")]


@pytest.mark.parametrize(("kind", "data", "keys"), NAMED)
def test_every_object_that_a_fact_names_is_known(kind, data, keys):
    assert kept((kind, data)) == keys


@pytest.mark.parametrize(("what", "fact"), [("preview", NAMED[5]), ("quarantine", NAMED[3])])
def test_what_is_removed_by_a_fact_is_no_longer_looked_for(what, fact):
    kind, data, keys = fact
    gone = {"what": what, "is_gone": True, "place": f"s3://archive/{keys[-1]}"}
    assert kept((kind, data), ("file.removed", gone)) == ["logs/a"]
    assert kept((kind, data), ("file.removed", {**gone, "is_gone": False})) == keys


def test_where_nobody_will_look_nothing_is_kept_and_what_cannot_be_read_is_still_told():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    log = EffectsLog(connection, is_kept=False)
    about = {"subject": "roman/a", "version": 1, "id": "e", "type": "file.transferred"}
    log.take({**about, "data": {"object": an_object("a")}}, "topic/0", 0)
    with pytest.raises(TypeError):
        log.take({**about, "data": {"object": {**an_object("a"), "size_bytes": "many"}}}, "topic/0", 1)
    log.end()
    assert connection.execute("SELECT count(*) FROM object").fetchone() == (0,)
