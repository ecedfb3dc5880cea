"""Where an import is not begun, and one that was killed: nobody decides on half a ledger, and it goes on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from events.log import Message, Place
from projectors.database import make_engine
from service.cli.errors import ATTENTION, FINE, WRONG_USE
from service.roles import run_decider
from service.transplant import bringing
from service.transplant.manifest import Manifest, TransplantError
from service.transplant.tables import put_rows
from service.wiring import Wiring
from tests.service.cli.a_site import arrival
from tests.service.transplant.two_sites import SENDER, until

WHY = ("--reason", "the cluster was lost")


@pytest.fixture
def exported(past, typed, tmp_path):
    folder = tmp_path / "export"
    assert typed("export", str(folder)).code == FINE
    return folder


def halts(past) -> list[tuple[str, str]]:
    return past.rows(past.engine(), "SELECT part, code FROM decider.halt ORDER BY part")


STANDING = [(part, "IMPORT_UNDER_WAY") for part in ("decider", "dispatch", "projector")]


def test_servers_that_hold_anything_of_the_site_are_refused_with_all_that_was_found(
    past, typed, exported, fresh_postgres
):
    before = past.values()
    said = typed("import", str(exported), *WHY)
    assert said.code == ATTENTION
    for found in (
        f"the topic {past.wiring.topics.events('file')} with ",
        "rows in projection.ledger",
        "decider.outcome",
    ):
        assert found in said.err
    assert "meridian down --erase" in said.err
    # An empty database before a Kafka that is not: two histories can't be joined either.
    past.environment.setenv("MERIDIAN_DATABASE", fresh_postgres)
    said = typed("import", str(exported), *WHY)
    assert (said.code, "the topic" in said.err, "rows in" in said.err) == (ATTENTION, True, False)
    assert past.values() == before
    assert halts(past) == []


def test_what_was_exported_from_another_site_is_refused(past, typed, exported, fresh_postgres):
    past.environment.setenv("MERIDIAN_DATABASE", fresh_postgres)
    said = typed("--site", "elsewhere", "import", str(exported), *WHY)
    assert said.code == ATTENTION
    assert f"found an export of the site {past.wiring.settings.site}, wanted one of elsewhere" in said.err


def test_an_import_needs_a_reason_and_an_export_a_new_folder(past, typed, exported):
    assert typed("import", str(exported)).code == WRONG_USE
    said = typed("export", str(exported))
    assert (said.code, "found that it is there already" in said.err) == (ATTENTION, True)
    said = typed("--site", "nobody", "export", str(exported.with_name("other")))
    assert (said.code, "wanted the ledger of the site nobody" in " ".join(said.err.split())) == (
        ATTENTION,
        True,
    )
    assert not exported.with_name("other").exists()


def test_nobody_may_be_at_work(past, typed, exported, fresh_postgres):
    past.lose(fresh_postgres)
    role = Wiring(past.wiring.settings, past.wiring.endpoints, "decider").engine(pool_size=1)
    with role.connect() as connection:
        connection.execute(text("SELECT 1"))
        said = typed("import", str(exported), *WHY)
    role.dispose()
    assert (said.code, "found meridian-decider at work" in said.err) == (ATTENTION, True)


def test_an_import_that_was_killed_lets_nobody_decide_and_goes_on(
    past, typed, exported, fresh_postgres, monkeypatch
):
    values = past.values()
    past.lose(fresh_postgres)
    _kill_one(past, exported)
    assert halts(past) == STANDING
    _is_led_past_by_nothing_else(past, typed)
    # Once more, and again not to its end: all but work is there.
    with monkeypatch.context() as patched:
        patched.setattr(bringing, "note_work", _die)
        assert typed("import", str(exported), *WHY).code == ATTENTION
    assert halts(past) == STANDING
    said = typed("import", str(exported), *WHY)
    assert said.code == FINE, said
    assert "it goes on" in said.err
    assert halts(past) == []
    assert past.values() == values
    [done] = past.rows(
        past.engine(), "SELECT DISTINCT actor, reason FROM decider.recovery WHERE code = 'IMPORT_UNDER_WAY'"
    )
    assert done[1] == WHY[1]
    past.start()
    past.site.asks("keck/new", arrival("new"))


def _kill_one(past, exported) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-m", "service", "import", str(exported), *WHY]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while halts(past) != STANDING:
            assert time.monotonic() < deadline
            assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGKILL)


def _is_led_past_by_nothing_else(past, typed) -> None:
    past.site.start(run_decider)
    for way in ("--apply", "--retry"):
        said = typed("recover", way, *WHY, "--yes")
        assert said.code == ATTENTION, said
        assert "meridian import" in said.err
    time.sleep(1.5)  # it looks every second
    assert past.rows(past.engine(), "SELECT count(*) FROM decider.lease") == [(0,)]
    past.site.stop(run_decider)


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_somebody_else_has_written_meanwhile_is_found_and_so_is_another_export(
    past, typed, exported, fresh_postgres, monkeypatch
):
    other = exported.with_name("other")
    shutil.copytree(exported, other)
    manifest = Manifest.read(other)
    Manifest(
        manifest.site, "2020-01-01T00:00:00Z", manifest.software, manifest.partitions, False, manifest.parts
    ).write(other)
    past.lose(fresh_postgres)
    with monkeypatch.context() as patched:
        patched.setattr(bringing, "fill_views", _die)
        typed("import", str(exported), *WHY)
    said = typed("import", str(other), *WHY)
    assert (said.code, "found the import of another export under way" in said.err) == (ATTENTION, True)
    topic = past.wiring.topics.requests("file")
    past.put(topic, Message(topic, 0, 0, b"keck/x", b"{}", ()))
    said = typed("import", str(exported), *WHY)
    assert said.code == ATTENTION
    assert f"{topic}/0: found a record at offset" in said.err
    assert f"delete the topic {topic}, and start the same import again" in said.err


def test_a_sender_is_kept_by_its_offsets_even_where_its_inbox_had_gaps(past, typed, tmp_path, fresh_postgres):
    """A transaction of a sender takes an offset: what comes after it ends where it ended."""
    inbox = past.wiring.topics.inbox(SENDER)
    writer = past.log.transactional("a.sender")
    for value in (b'{"id": "t1"}', b'{"id": "t2"}'):
        writer.begin()
        writer.send(inbox, key=None, value=value, partition=0)
        writer.commit({}, group="a.sender")
    writer.close()
    folder = tmp_path / "export"
    assert typed("export", str(folder)).code == FINE
    [part] = [each for each in Manifest.read(folder).of("inbox") if each.partition == 0]
    assert (part.begin, part.records, part.end) == (2, 3, 7)
    past.lose(fresh_postgres)
    past.start()  # a site that has only begun is an empty one too
    past.stop()
    assert typed("import", str(folder), *WHY).code == FINE
    place = Place(inbox, 0)
    assert [each.offset for each in past.read(place)] == [4, 5, 6]
    reader = past.log.reader()
    assert (reader.beginning(place), reader.end(place)) == (4, 7)
    reader.close()
    until(
        lambda: past.log.committed(f"{past.wiring.settings.site}.intake", [place]) == {place: 4},
        "no offset",
        5,
    )


@pytest.mark.parametrize(
    "table", ["operations.of_long_ago", "decider.outcome", "x; DROP TABLE decider.outcome"]
)
def test_rows_of_what_is_no_register_here_are_refused(postgres, table):
    engine = make_engine(postgres, "test", pool_size=1)
    with engine.connect() as connection, pytest.raises(TransplantError, match="found no such table"):
        put_rows(connection, table, iter(["{}"]))
    engine.dispose()
