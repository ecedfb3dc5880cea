"""What operators get wrong: refused or survived, always with a message that names it."""

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from events.kafka_log import KafkaLog
from events.topics import Topics
from projectors.database import make_engine
from service.cli import run
from service.cli.errors import WRONG_USE, explained
from service.decider.owner import OwnerSettings
from service.decider.process import Decider
from service.installation import WrongSiteError
from service.roles import ROLES, run_decider, run_projector
from service.settings import load
from service.site import await_topics, prepare
from service.snapshots import Snapshots
from service.status import status_lines, take
from service.wiring import Wiring
from tests.service.decider.test_process import PARTITIONS, ask, ledger, outcomes_of, running
from tests.service.ways_out import Broken, a_broken_site, until


@pytest.fixture
def broken(monkeypatch, tmp_path, site, kafka, postgres):
    with a_broken_site(monkeypatch, tmp_path, site=site, kafka=kafka, postgres=postgres) as found:
        yield found


# --- a site pointed at another cluster


def test_a_halt_for_the_wrong_cluster_is_over_once_the_settings_are_right_again(broken):
    broken.start(run_decider)
    await_topics(broken.site.wiring)
    broken.stop(run_decider)
    broken.do("UPDATE decider.installation SET cluster_id = 'elsewhere.' || cluster_id")
    broken.start(run_decider)
    broken.awaited("CLUSTER_CHANGED", "site")
    broken.do("UPDATE decider.installation SET cluster_id = substr(cluster_id, 11)")
    until(lambda: not broken.rows("SELECT code FROM decider.halt"), lambda: "the halt stands")
    found = broken.rows("SELECT code, actor, reason FROM decider.recovery")
    assert found == [("CLUSTER_CHANGED", "meridian", "the settings name the cluster of the site again")]


# --- a site pointed at another site's database


@pytest.fixture
def taken(broken: Broken, site: str, monkeypatch) -> Wiring:
    """The settings of another site, with the database of this one."""
    broken.start(run_decider)
    await_topics(broken.site.wiring)
    monkeypatch.setenv("MERIDIAN_SITE", "other")
    return Wiring.of(load(), program="test")


@pytest.mark.parametrize("role", [*ROLES, "all"])
def test_every_role_refuses_another_sites_database_and_names_both(taken, role, site, capsys):
    assert run(["run", role]) == WRONG_USE
    said = capsys.readouterr().err
    assert f"found the database of the site {site}, wanted one of the site other" in said
    assert "MERIDIAN_DATABASE" in said


@pytest.mark.parametrize("typed", ["file list", "file why keck/a", "op list", "group list", "work list"])
def test_nobody_is_shown_another_sites_views(taken, site, capsys, typed):
    assert run(typed.split()) == WRONG_USE
    said = capsys.readouterr()
    assert said.out == ""
    assert f"found the database of the site {site}, wanted one of the site other" in said.err


def test_up_and_status_refuse_it_too(taken, site, capsys):
    with pytest.raises(WrongSiteError, match=f"the database of the site {site}") as caught:
        prepare(taken, print)
    assert explained(caught.value).exit_code == WRONG_USE
    assert run(["status"]) == WRONG_USE
    assert site in capsys.readouterr().err


def test_nothing_is_written_into_it(taken, broken, site):
    with pytest.raises(WrongSiteError):
        run_projector(taken, threading.Event())
    assert broken.rows("SELECT site FROM decider.installation") == [(site,)]
    assert broken.rows("SELECT DISTINCT split_part(name, '.', 1) FROM decider.topic") == [(site,)]
    assert broken.rows("SELECT FROM decider.halt") == []


def test_a_database_of_before_that_has_a_sites_topics_is_that_sites(taken, broken, site):
    broken.do("DELETE FROM decider.installation")
    with pytest.raises(WrongSiteError, match=f"the database of the site {site}"):
        prepare(taken, print)


# --- two deciders by hand


@pytest.fixture
def parts(kafka, site, postgres):
    logs, engine = KafkaLog(kafka), make_engine(postgres, "test", pool_size=12)
    yield logs, Topics(site), engine
    engine.dispose()
    logs.close()


def test_of_two_deciders_one_stands_by_and_says_for_whom_and_nothing_is_decided_twice(parts, caplog):
    logs, topics, engine = parts
    caplog.set_level(logging.INFO)
    end_first = running(logs, topics, engine, "one")
    assert len(outcomes_of(engine, topics, ask(logs, topics, ["roman/a"]))) == 1
    end_second = running(logs, topics, engine, "two")
    until(lambda: "standing by for another decider" in caplog.text, lambda: "not said")
    [said] = [each for each in caplog.records if each.message == "standing by for another decider"]
    assert said.owner == "one"
    asked = ask(logs, topics, [f"roman/{number}" for number in range(40)])
    assert len(outcomes_of(engine, topics, asked)) == 40
    end_first()
    end_second()
    records = ledger(logs, topics)
    assert len({record.requestid for record in records}) == len(records) == 41


def test_status_shows_who_decides_what(broken):
    broken.start(run_decider)
    await_topics(broken.site.wiring)
    until(
        lambda: any("decided by" in line for line in status_lines(take(broken.site.client))),
        lambda: "not shown",
    )
    [line] = [each for each in status_lines(take(broken.site.client)) if "decided by" in each]
    assert "file/0" in line


# --- clocks


class Clock:
    """A clock that can be set."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def test_a_clock_set_back_keeps_the_order_of_records_and_is_named(parts, caplog):
    logs, topics, engine = parts
    clock = Clock()
    end = running(logs, topics, engine, "one", clock=clock)
    assert outcomes_of(engine, topics, ask(logs, topics, ["roman/a"]))
    clock.ahead = -timedelta(hours=1)
    assert outcomes_of(engine, topics, ask(logs, topics, ["roman/a"]))
    until(lambda: "clock lies behind the ledger" in caplog.text, lambda: "not said")
    query = text("SELECT min(clock_ahead_s) FROM decider.lease")
    with engine.connect() as connection:
        until(lambda: (connection.scalar(query) or 0) < -3500, lambda: "not noted")
    end()
    first, second = ledger(logs, topics)
    assert first.time == second.time
    assert [first.sequence, second.sequence] == [1, 2]


def test_a_decider_that_starts_behind_what_the_views_have_seen_says_so(parts, caplog):
    logs, topics, engine = parts
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO projection.position (follower, machine, partition, next_offset, owner_epoch, topic_id,"
                " last_event_at) VALUES ('projector', 'file', 0, 1, 1, 'x', now() + interval '1 hour')"
            )
        )
    Decider(logs=logs, engine=engine, topics=topics, partitions=PARTITIONS, settings=OwnerSettings())
    assert "clock lies behind the ledger" in caplog.text


def test_a_dead_owners_lease_from_before_postgresqls_clock_was_set_back_is_free(parts):
    logs, topics, engine = parts
    running(logs, topics, engine, "one")()
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE decider.lease SET owner = 'dead', expires_at = now() + interval '1 hour'")
        )
    end = running(logs, topics, engine, "two")
    assert outcomes_of(engine, topics, ask(logs, topics, ["roman/a"]))
    end()


def test_status_names_clocks_that_are_apart(broken):
    broken.start(run_decider)
    await_topics(broken.site.wiring)
    until(lambda: bool(broken.rows("SELECT FROM decider.lease")), lambda: "no lease")
    broken.stop(run_decider)
    broken.do("UPDATE decider.lease SET clock_ahead_s = -3600, expires_at = now() + interval '1 minute'")
    broken.do(
        "INSERT INTO projection.position (follower, machine, partition, next_offset, owner_epoch, topic_id,"
        " last_event_at) VALUES ('projector', 'file', 0, 0, 1, 'x', now() + interval '1 hour')"
    )
    attention = " ".join(take(broken.site.client).attention)
    assert "is 60 min behind the database's" in attention
    assert "the newest record of the ledger is 60 min ahead" in attention


def test_what_a_person_led_past_is_read_for_the_partition_and_topic_it_is_about(parts):
    _, _, engine = parts
    with engine.begin() as connection:
        for partition, topic_id, offset in ((0, "old", 1), (0, "new", 2), (0, "new", 3), (1, "new", 4)):
            connection.execute(
                text(
                    "INSERT INTO decider.reseat (machine, partition, requests_topic_id, next_request, ledger_end,"
                    " written_at) VALUES ('file', :partition, :topic_id, :offset, 9, now())"
                ),
                {"partition": partition, "topic_id": topic_id, "offset": offset},
            )
    assert Snapshots(engine, machine="file", partition=0).led_past("new")[:2] == (3, 9)
    assert Snapshots(engine, machine="file", partition=0).led_past("newer")[:2] == (0, 0)
