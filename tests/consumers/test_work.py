"""Files on their way through the workers: the real decider, real tables, a real store, real bytes."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from consumers.child import ChildResult
from consumers.storage import Storage
from consumers.worker import Pace
from events import failpoints
from tests.consumers.work_site import QUICK, WorkSite, running, sha256_of

CONTENT = b"any bytes will do " * 1000


def test_an_announced_file_comes_to_the_archive_and_its_register(work_site: WorkSite):
    with running(work_site) as site:
        subject = site.announce(site.place("a.dat", CONTENT), sha256=sha256_of(CONTENT))
        site.wait(subject, "COMPLETE")
        assert site.types(subject) == ["arrived", "started", "validated", "transferred", "registered"]
        stored = site.history(subject)[3].data["object"]
        assert site.storage.get_to_file(stored["bucket"], stored["key"], site.landing / "copy") == (
            len(CONTENT),
            sha256_of(CONTENT),
        )
        with site.engine.connect() as connection:
            row = connection.execute(text("SELECT * FROM operations.l2_file")).one()
        assert (row.subject, row.version, row.sha256, row.key) == (
            subject,
            1,
            sha256_of(CONTENT),
            stored["key"],
        )
        assert site.history(subject)[4].data["row_id"] == str(row.row_id)


def test_the_sender_is_told_of_the_arrival_and_of_the_end_under_its_own_event_id(work_site: WorkSite):
    with running(work_site) as site:
        site.until(lambda: site.topics.answers("soc") in site.log.names())
        subject = site.announce(site.place("a.dat", CONTENT))
        site.until(lambda: len(site.answers()) == 2)
        told = [(each.event_id, each.accepted, each.about["type"]) for each in site.answers()]
        assert told == [("event-1", True, "file.arrived"), ("event-1", True, "file.registered")]
        assert site.answers()[1].subject == subject


def test_all_items_are_closed_when_nothing_is_left_to_do(work_site: WorkSite):
    with running(work_site) as site:
        for number in range(5):
            site.announce(site.place(f"{number}.dat", CONTENT + bytes([number])))
        for number in range(5):
            site.wait(f"roman/{number}", "COMPLETE")
        site.until(lambda: "open" not in states(site), what=lambda: str(states(site)))
        site.until(lambda: states(site).keys() == {"done"}, what=lambda: str(states(site)))
        assert states(site) == {"done": 1 + 5 * 5}


def test_a_file_that_is_not_what_was_announced_is_invalid_and_its_original_kept(work_site: WorkSite):
    with running(work_site) as site:
        subject = site.announce(site.place("a.dat", CONTENT), sha256="0" * 64)
        record = site.wait(subject, "INVALID")
        assert record.data["code"] == "CHECKSUM_MISMATCH"
        kept = record.data["quarantine"]
        assert kept["key"].startswith("quarantine/roman/a.dat/v1-")
        assert kept["sha256"] == sha256_of(CONTENT)


def test_a_file_outside_the_roots_of_its_stream_is_never_opened(work_site: WorkSite):
    with running(work_site) as site:
        outside = site.landing / "secret.dat"
        outside.write_bytes(CONTENT)
        record = site.wait(site.announce(outside), "INVALID")
        assert record.data["code"] == "SOURCE_REFUSED"
        assert "quarantine" not in record.data


def test_a_file_that_is_not_there_yet_is_tried_again_by_its_deadline(work_site: WorkSite):
    with running(work_site) as site:
        from consumers import parts

        site.run(
            lambda: parts.run_timers(log=site.log, topics=site.topics, engine=site.engine, stop=site.stop)
        )
        path = site.landing / "roman" / "late.dat"
        subject = site.announce(path)
        failed = site.wait(subject, "ERROR")
        assert (failed.data["code"], failed.data["failure_class"]) == ("SOURCE_MISSING", "transient")
        started = next(each for each in site.history(subject) if each.type == "file.started")
        assert failed.data["due_at"] > started.time
        path.write_bytes(CONTENT)
        site.wait(subject, "COMPLETE")
        assert site.types(subject)[:4] == ["arrived", "started", "failed", "retried"]
        assert {record.actor for record in site.history(subject)} == {"soc", "worker", "deadline"}


def test_when_the_budget_is_used_up_a_person_has_to_act(work_site: WorkSite):
    with running(work_site) as site:
        from consumers import parts

        site.run(
            lambda: parts.run_timers(log=site.log, topics=site.topics, engine=site.engine, stop=site.stop)
        )
        subject = site.announce(site.landing / "roman" / "never.dat")
        site.until(lambda: site.types(subject).count("failed") == 3, what=lambda: str(site.types(subject)))
        failures = [record.data for record in site.history(subject) if record.type == "file.failed"]
        assert ["due_at" in each for each in failures] == [True, True, False]
        assert {each["tries_allowed"] for each in failures} == {2}
        site.ask("file.retry", subject, version=1, reason="the disk is mounted now")
        site.until(lambda: site.types(subject).count("failed") == 4)
        assert "due_at" in site.history(subject)[-1].data  # a new budget


def test_two_files_that_claim_one_identity_leave_the_second_in_error_with_the_first_named(
    work_site: WorkSite,
):
    with running(work_site) as site:
        site.stream("keck", identity="name")
        site.stream("other", identity="name")
        first = site.announce(site.place("KB.1.dat", CONTENT, stream="keck"), stream="keck")
        done = site.wait(first, "COMPLETE")
        held = next(record for record in site.history(first) if record.type == "file.validated").data[
            "identity"
        ]
        assert held["archive_identity"] == "KB.1"
        assert held["reserved_by"] == site.history("KB.1", "identity")[0].id
        second = site.announce(site.place("KB.1.dat", CONTENT + b"!", stream="other"), stream="other")
        failed = site.wait(second, "ERROR")
        data = failed.data
        assert (data["code"], data["failure_class"], "due_at" in data) == ("IDENTITY_CONFLICT", "data", False)
        assert data["evidence"]["holder"] == {"subject": first, "version": 1, "sha256": sha256_of(CONTENT)}
        assert data["evidence"]["sha256"] == sha256_of(CONTENT + b"!")
        assert "identity transfer" in data["message"]
        site.ask(
            "file.reprocess", second, {"overrides": {"identity": "KB.2"}}, version=1, reason="wrong clock"
        )
        site.wait(second, "COMPLETE")
        assert site.history("KB.2", "identity")[0].data["holder"]["subject"] == second
        assert done.tostate == "COMPLETE"


def test_newer_content_waits_for_the_version_in_flight_and_comes_next(work_site: WorkSite):
    with running(work_site, worker=False) as site:
        subject = site.announce(site.place("a.dat", CONTENT), sha256=sha256_of(CONTENT))
        site.wait(subject, "QUEUED")
        newer = site.place("a.dat", CONTENT + b"!")
        site.announce(newer, sha256=sha256_of(CONTENT + b"!"))
        site.until(lambda: "deferred" in site.types(subject))
        site.start_worker()
        site.until(lambda: site.types(subject).count("registered") == 1)
        invalid, complete = site.history(subject)[3], site.history(subject)[-1]
        assert (invalid.tostate, invalid.version) == ("INVALID", 1)
        assert (complete.tostate, complete.version, complete.correlationid) == ("COMPLETE", 2, "event-2")


class Switch:
    """Two stores, one of them nowhere; calls go to whichever is chosen."""

    def __init__(self, good: Storage, away: Storage) -> None:
        self.good, self.away = good, away
        self.chosen = away

    def __getattr__(self, name: str):
        return getattr(self.chosen, name)


def test_while_the_store_is_away_files_wait_without_a_failure_and_then_go_on(work_site: WorkSite, caplog):
    away = Storage(
        endpoint="http://127.0.0.1:9", access_key="a", secret_key="b", attempts=1, connect_timeout_s=0.2
    )
    switch = Switch(work_site.storage, away)
    work_site.storage = switch  # type: ignore[assignment]
    with running(work_site) as site:
        subjects = [
            site.announce(site.place(f"{number}.dat", CONTENT + bytes([number]))) for number in range(6)
        ]
        for subject in subjects:
            site.wait(subject, "TRANSFERRING")
        site.until(lambda: states(site, "last_code = 'STORAGE_UNAVAILABLE'"))
        assert all(site.state(subject) == "TRANSFERRING" for subject in subjects)
        switch.chosen = switch.good
        for subject in subjects:
            site.wait(subject, "COMPLETE")
        assert all("failed" not in site.types(subject) for subject in subjects)
    said = [record.message for record in caplog.records]
    assert said.count("work waits for a server") == 1


def test_the_items_of_a_killed_worker_are_taken_over(work_site: WorkSite):
    with running(work_site, worker=False) as site:
        subjects = [
            site.announce(site.place(f"{number}.dat", CONTENT + bytes([number]))) for number in range(3)
        ]
        for subject in subjects:
            site.wait(subject, "QUEUED")
        site.until(lambda: states(site, "lane = 'steps'") == {"open": 3})
        kill_a_worker_that_has_claimed(site)
        assert states(site, "lane = 'steps'") == {"leased": 3}
        site.start_worker()
        for subject in subjects:
            site.wait(subject, "COMPLETE")


def kill_a_worker_that_has_claimed(site: WorkSite) -> None:
    script = """
import os, signal, sys
from projectors.database import make_engine
from tests.consumers.at_work import claim
with make_engine(sys.argv[1], "doomed").begin() as connection:
    assert len(claim(connection, owner="doomed", lease_s=1.5)) == 3
os.kill(os.getpid(), signal.SIGKILL)
"""
    address = site.engine.url.render_as_string(hide_password=False)
    root = str(Path(__file__).resolve().parents[2])
    ended = subprocess.run(
        [sys.executable, "-c", script, address], env={**os.environ, "PYTHONPATH": root}, check=False
    )
    assert ended.returncode == -signal.SIGKILL


class SlowInspector:
    """Reads only when it is told to go on."""

    formats = ("any",)

    def __init__(self, inspector) -> None:
        self._inspector = inspector
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.paths: list[object] = []

    def inspect(self, path, format, expected, **_) -> ChildResult:  # noqa: A002
        self.paths.append(path)
        self.begun.set()
        self.go_on.wait(20)
        return self._inspector.inspect(path, format, expected)


def test_a_worker_told_to_stop_hands_back_what_takes_too_long_and_is_fenced_afterwards(
    work_site: WorkSite, caplog
):
    with running(work_site, worker=False) as site:
        slow, stop = SlowInspector(site.inspector), threading.Event()
        hasty = replace(QUICK, grace_s=0.2)
        worker = site.start_worker(stop=stop, inspector=slow, pace=hasty)
        subject = site.announce(site.place("a.dat", CONTENT))
        assert slow.begun.wait(10)
        stop.set()
        worker.join(5)
        assert not worker.is_alive()
        assert states(site, "lane = 'steps'") == {"open": 1}
        site.start_worker()
        site.wait(subject, "COMPLETE")
        slow.go_on.set()
        site.until(lambda: "late finish, nothing reported" in [record.message for record in caplog.records])
        site.until(lambda: states(site, "lane = 'steps'") == {"done": 3})
        assert "report_ignored" not in site.types(subject)
        assert "refused" not in site.types(subject)


def test_a_worker_told_to_stop_hands_back_all_that_is_under_way(work_site: WorkSite):
    with running(work_site, worker=False) as site:
        slow, stop = SlowInspector(site.inspector), threading.Event()
        hasty = replace(QUICK, threads=8, grace_s=0.5)
        subjects = [
            site.announce(site.place(f"{number}.dat", CONTENT + bytes([number]))) for number in range(12)
        ]
        for subject in subjects:
            site.wait(subject, "QUEUED")
        worker = site.start_worker(stop=stop, inspector=slow, pace=hasty)
        site.until(lambda: len(slow.paths) >= 8)
        stop.set()
        worker.join(5)
        assert not worker.is_alive()
        assert states(site, "lane = 'steps'") == {"open": 12}
        slow.go_on.set()
        site.start_worker()
        for subject in subjects:
            site.wait(subject, "COMPLETE")
            assert site.types(subject).count("validated") == 1


def test_of_reports_that_go_together_the_one_whose_lease_was_lost_stays_out(work_site: WorkSite, caplog):
    with running(work_site, worker=False) as site:
        slow = SlowInspector(site.inspector)
        subjects = [
            site.announce(site.place(f"{number}.dat", CONTENT + bytes([number]))) for number in range(6)
        ]
        for subject in subjects:
            site.wait(subject, "QUEUED")
        site.start_worker(inspector=slow, pace=replace(QUICK, threads=6))
        site.until(lambda: len(slow.paths) == 6)
        with site.engine.begin() as connection:
            steal = "UPDATE work.item SET lease_owner = 'other', lease_epoch = lease_epoch + 1 WHERE subject = :subject"
            connection.execute(text(f"{steal} AND state = 'leased'"), {"subject": subjects[2]})
        slow.go_on.set()
        for subject in subjects:
            site.wait(subject, "COMPLETE")  # the stolen one too, once the thief's lease has run out
        assert "report_ignored" not in {kind for subject in subjects for kind in site.types(subject)}
        lost = [each.items for each in caplog.records if each.message == "late finish, nothing reported"]
        assert lost == [1]


class BrokenInspector:
    formats = ("any",)

    def inspect(self, path, format, expected, **_) -> ChildResult:  # noqa: A002
        raise ZeroDivisionError("a bug")


def test_a_bug_of_ours_is_a_failure_of_class_code_and_the_worker_lives_on(work_site: WorkSite, caplog):
    with running(work_site, worker=False) as site:
        site.start_worker(inspector=BrokenInspector(), pace=Pace(threads=1, look_s=0.2))
        for number in range(2):
            failed = site.wait(site.announce(site.place(f"{number}.dat", CONTENT)), "ERROR")
            assert (failed.data["code"], failed.data["failure_class"]) == ("EFFECT_BUG", "code")
            assert "due_at" not in failed.data
    assert "effect raised" in [record.message for record in caplog.records]


def test_a_register_that_nobody_knows_is_named_with_those_that_are(work_site: WorkSite):
    with running(work_site) as site:
        site.stream("odd", register_table="operations.no_such_file")
        failed = site.wait(site.announce(site.place("a.dat", CONTENT, stream="odd"), stream="odd"), "ERROR")
        assert failed.data["code"] == "REGISTER_UNKNOWN"
        assert "wanted one of operations.l2_file" in failed.data["message"]


def states(site: WorkSite, where: str = "true") -> dict[str, int]:
    """Items by state."""
    with site.engine.connect() as connection:
        rows = connection.execute(
            text(f"SELECT state, count(*) AS n FROM work.item WHERE {where} GROUP BY 1")
        )
        return {row.state: row.n for row in rows}


def test_workers_are_called_by_notices_and_need_not_look_around(work_site: WorkSite):
    with running(work_site, worker=False) as site:
        site.start_worker(pace=Pace(threads=2, look_s=60.0))
        site.until(lambda: states(site, "effect = 'inbox'") == {"done": 1})
        subject = site.announce(site.place("a.dat", CONTENT))
        began = time.monotonic()
        site.wait(subject, "COMPLETE", timeout_s=30.0)
        assert time.monotonic() - began < 30.0, "a worker that only looks around would take a minute"


def test_items_whose_claim_broke_off_are_taken_back_and_worked_on(work_site: WorkSite):
    with running(work_site) as site:
        failpoints.arm("worker.after_lease:exception:1")
        try:
            subject = site.announce(site.place("a.dat", CONTENT))
            site.wait(subject, "COMPLETE")
        finally:
            failpoints.disarm()
        assert site.types(subject)[-1] == "registered"
