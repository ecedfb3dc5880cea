"""What a staging began and nobody ends goes after a day; what anybody may want stays, whatever the tables lack."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from consumers.abandoned_staging import QUIET_S, AbandonedStaging
from consumers.staging import stage
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import Topics
from tests.consumers.test_staging import Fetching, inputs, source

__all__ = ["source"]

NOW = datetime.now(UTC)
TOPICS = Topics("site")
OP, PROGRAM, FOLDER = "eid_1_1", "p", "0" * 16


class Site:
    """A work area and its tables, which have read all of a ledger of one record."""

    def __init__(self, engine: Engine, area: Path, source: Path) -> None:
        self.engine, self.area, self._source = engine, area, source
        area.mkdir()
        self.log = MemoryLog()
        self.log.ensure(topic_specs(TOPICS, {"op": 1}, ()))
        writer = self.log.writer()
        writer.send(TOPICS.events("op"), key=b"x", value=b"{}", partition=0)
        self.configure(area.as_uri())
        for schema, follower in (("projection", "projector"), ("work", "dispatch")):
            self.say(
                f"INSERT INTO {schema}.position (follower, machine, partition, next_offset, owner_epoch, topic_id)"
                f" VALUES ('{follower}', 'op', 0, 1, 1, 't')"
            )

    def say(self, statement: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def configure(self, work_area: str) -> None:
        programs = {"inputs": "s3://in/{dataset}/", "work_area": work_area}
        told = orjson.dumps({"stream": "dkist", "programs": programs}).decode()
        self.say(
            "INSERT INTO work.stream_configuration (stream, configuration_version, configuration)"
            " VALUES ('dkist', 1, CAST(:told AS jsonb))",
            told=told,
        )

    def began(self, name: str = FOLDER, *, program: str = PROGRAM, days_ago: float = 2.0) -> Path:
        """A staging stopped in the middle so long ago."""
        folder = self.area / OP / program / name
        with pytest.raises(ConnectionError):
            stage(
                inputs(self._source),
                folder,
                Fetching(self._source, stop_at="c.fits"),
                about={"op": OP, "program": program},
            )
        self.age(folder, days_ago)
        return folder

    def age(self, folder: Path, days: float) -> None:
        then = (NOW - timedelta(days=days)).timestamp()
        for each in (*folder.rglob("*"), folder):
            os.utime(each, (then, then))

    def item(self, effect: str = "preprocess", *, state: str = "leased", event_id: str = "e" * 32) -> None:
        self.say(
            "INSERT INTO work.item (event_id, effect, lane, subject, stream, sequence, work_class, priority, queued_at,"
            " created_at, state, report_id, payload, part) VALUES (CAST(:event_id AS uuid), :effect, 'staging', :op,"
            " '(programs)', 1, 'normal', 0, now(), now(), :state, gen_random_uuid(), '{}', :part)",
            event_id=event_id, effect=effect, state=state, op=OP, part=f"program:{PROGRAM}",
        )  # fmt: skip

    def part(self, state: str, *, owes: str | None = None) -> None:
        known = orjson.dumps({"now": {"program": PROGRAM, "state": state}}).decode()
        self.say(
            "INSERT INTO work.program_part (subject, part, known, sequence, owes_effect)"
            " VALUES (:op, :part, CAST(:known AS jsonb), 1, :owes)",
            op=OP, part=f"program:{PROGRAM}", known=known, owes=owes,
        )  # fmt: skip

    def removed(self) -> int:
        return AbandonedStaging(log=self.log, topics=TOPICS, engine=self.engine, clock=lambda: NOW).run_once()


@pytest.fixture
def site(database: Engine, tmp_path: Path, source: Path) -> Site:
    return Site(database, tmp_path / "work", source)


def test_a_staging_that_nobody_ends_goes_with_the_empty_folders_above(site):
    folder = site.began()
    (folder / "AAAA" / "b.fits.1a2b3c4d.part").write_bytes(b"half")
    site.age(folder, 2)
    site.item(state="stale")
    site.part("Discovered")
    assert site.removed() == 1
    assert list(site.area.iterdir()) == []
    assert site.removed() == 0


def test_beside_it_what_was_reported_stays_and_others_are_not_looked_at(site):
    site.began()
    other, kept = site.began(program="q", days_ago=0.5), site.began("1" * 16)
    site.say(
        "INSERT INTO projection.op_staged (op, location, program) VALUES (:op, :location, :program)",
        op=OP, location=kept.as_uri(), program=PROGRAM,
    )  # fmt: skip
    assert site.removed() == 1
    assert other.is_dir()
    assert [each.name for each in (site.area / OP / PROGRAM).iterdir()] == ["1" * 16]


@pytest.mark.parametrize("state", ["open", "leased", "reported", "parked"])
def test_what_open_work_may_go_on_with_stays(site, state):
    folder = site.began()
    site.item(state=state)
    assert site.removed() == 0
    assert folder.is_dir()


@pytest.mark.parametrize(("state", "owes"), [("Invertible", None), ("Preprocessed", "preprocess")])
def test_what_a_program_will_be_staged_from_once_it_has_recovered_stays(site, state, owes):
    site.began()
    site.part(state, owes=owes)
    assert site.removed() == 0


def own_work(folder: Path) -> None:
    (folder / "AAAA" / "inverted.fits").write_bytes(b"three weeks")


def changed(folder: Path) -> None:
    (folder / "AAAA" / "a.fits").write_bytes(b"calibrated")


def linked(folder: Path) -> None:
    (folder / "AAAA" / "a.fits").unlink()
    (folder / "AAAA" / "a.fits").symlink_to("/etc/hostname")


def no_journal(folder: Path) -> None:
    (folder / "staged.ndjson").unlink()


@pytest.mark.parametrize("spoil", [own_work, changed, linked, no_journal])
def test_with_anything_that_staging_did_not_write_all_of_it_stays(site, spoil):
    folder = site.began()
    spoil(folder)
    for each in (*folder.rglob("*"), folder):
        os.utime(each, ((NOW - timedelta(days=2)).timestamp(),) * 2, follow_symlinks=False)
    before = sorted(folder.rglob("*"))
    assert site.removed() == 0
    assert sorted(folder.rglob("*")) == before


def test_where_a_link_leads_nothing_goes(site, tmp_path):
    folder = site.began()
    (site.area / OP).rename(tmp_path / "elsewhere")
    (site.area / OP).symlink_to(tmp_path / "elsewhere")
    assert site.removed() == 0
    assert folder.is_dir()


@pytest.mark.parametrize("schema", ["projection", "work"])
def test_nothing_goes_while_views_or_work_have_not_read_the_ledger_to_its_end(site, schema):
    """They may not know of what was staged: after a loss of the database none of it is in them."""
    site.began()
    site.say(f"UPDATE {schema}.position SET next_offset = 0")
    assert site.removed() == 0
    site.say(f"DELETE FROM {schema}.position")
    assert site.removed() == 0


def test_nothing_goes_while_there_is_no_ledger(site):
    site.began()
    site.log = MemoryLog()
    assert site.removed() == 0


def test_nothing_goes_while_all_work_rests_or_the_views_lack_facts_of_the_op(site):
    site.began()
    site.say("INSERT INTO work.gate (name, reason, since) VALUES ('dispatch', 'behind', now())")
    assert site.removed() == 0
    site.say("DELETE FROM work.gate")
    site.say(
        "INSERT INTO projection.tainted (machine, subject, sequence, event_id, type, partition, ledger_offset, error,"
        " since_at) VALUES ('op', :op, 1, gen_random_uuid(), 'op.preprocessed', 0, 0, 'raised', now())",
        op=OP,
    )
    assert site.removed() == 0
    site.say("DELETE FROM projection.tainted")
    assert site.removed() == 1


def test_a_removal_that_died_is_ended_and_one_under_way_is_not(site):
    mark, other = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    for name in (mark, other):
        site.began().rename(site.area / OP / PROGRAM / f".going-{name}")
    site.item("unstage", state="leased", event_id=mark)
    assert site.removed() == 1
    assert [each.name for each in (site.area / OP / PROGRAM).iterdir()] == [f".going-{mark}"]


@pytest.mark.parametrize("work_area", ["file:///not/here", "s3://bucket/work"])
def test_where_the_work_area_is_elsewhere_nothing_is_looked_at(site, work_area):
    site.began()
    site.say("DELETE FROM work.stream_configuration")
    site.configure(work_area)
    assert site.removed() == 0


def test_a_folder_that_cannot_be_removed_stops_nothing(site, monkeypatch, caplog):
    def denied(path: Path) -> None:
        raise PermissionError(13, "not yours", str(path))

    site.began()
    with monkeypatch.context() as patched:
        patched.setattr("consumers.unstaging.shutil.rmtree", denied)
        assert site.removed() == 0
    assert "not yours" in str(caplog.records[-1].__dict__)
    assert site.removed() == 1


def test_a_staging_killed_anywhere_leaves_nothing_that_its_journal_does_not_name(site, source, monkeypatch):
    """A file that lies there unknown would keep the folder for ever."""
    folder, real = site.area / OP / PROGRAM / FOLDER, Path.replace

    def killed(path: Path, target: Path) -> Path:
        real(path, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            stage(inputs(source), folder, Fetching(source), about={"op": OP, "program": PROGRAM})
    assert (folder / "AAAA" / "a.fits").is_file()
    site.age(folder, (QUIET_S + 60) / 86_400)
    assert site.removed() == 1
