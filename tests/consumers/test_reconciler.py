"""The reconciler mends what was lost, and leaves alone what was not."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from consumers.reconciler import Patience, Reconciler
from consumers.sender import Sender
from events import clock
from events.envelope import encode_request
from projectors.outcome import Outcomes
from tests.consumers.work_site import WorkSite, running

CONTENT = b"any bytes will do " * 100
AT_ONCE = Patience(grace=timedelta(0), resend_after=timedelta(0))


def reconciler(site: WorkSite, patience: Patience = AT_ONCE) -> Reconciler:
    return Reconciler(
        engine=site.engine,
        sender=Sender(site.log.writer),
        outcomes=Outcomes(site.engine, site=site.topics.site),
        topics=site.topics,
        clock=clock.now,
        source="test",
        patience=patience,
    )


def run(site: WorkSite, statement: str) -> int:
    with site.engine.begin() as connection:
        return connection.execute(text(statement)).rowcount


def items(site: WorkSite, where: str = "lane = 'steps'") -> list[tuple[str, str, int]]:
    with site.engine.connect() as connection:
        rows = connection.execute(
            text(f"SELECT effect, state, try_number FROM work.item WHERE {where} ORDER BY created_at")
        )
        return [tuple(row) for row in rows]


def caught_up(site: WorkSite) -> None:
    """Wait until dispatch and projector have read what the decider has written."""
    statement = text("""
        SELECT bool_and(p.next_offset >= w.next_offset AND d.next_offset >= w.next_offset) FROM decider.watermark w
        JOIN projection.position p USING (machine, partition) JOIN work.position d USING (machine, partition)""")

    def look() -> bool:
        with site.engine.connect() as connection:
            return bool(connection.execute(statement).scalar_one())

    site.until(look)


@pytest.fixture
def queued(work_site: WorkSite):
    """A site without workers, and three files that wait for one."""
    with running(work_site, projector=True, worker=False) as site:
        for number in range(3):
            path = site.place(f"{number}.dat", CONTENT + bytes([number]))
            site.wait(site.announce(path), "QUEUED")
        site.until(lambda: len(items(site)) == 3)
        caught_up(site)
        yield site


def test_it_finds_nothing_to_do_where_nothing_is_lost(queued: WorkSite):
    assert reconciler(queued).run_once(thorough=True) == {}
    assert items(queued) == [("ingest", "open", 1)] * 3


def test_lost_items_are_made_again_once_and_their_files_come_to_an_end(queued: WorkSite):
    assert run(queued, "DELETE FROM work.item WHERE lane = 'steps'") == 3
    assert reconciler(queued).run_once() == {"items": 3}
    assert reconciler(queued).run_once() == {}
    queued.start_worker()
    for number in range(3):
        queued.wait(f"roman/{number}", "COMPLETE")
        assert queued.types(f"roman/{number}") == [
            "arrived",
            "started",
            "validated",
            "transferred",
            "registered",
        ]


def test_items_that_were_closed_though_their_state_still_waits_are_opened_for_another_try(queued: WorkSite):
    run(queued, "UPDATE work.item SET state = 'done', finished_at = now() WHERE lane = 'steps'")
    assert reconciler(queued).run_once() == {"items": 3}
    assert items(queued) == [("ingest", "open", 2)] * 3


def test_what_the_view_is_not_sure_of_is_not_done_again(queued: WorkSite):
    run(queued, "UPDATE work.item SET state = 'done', finished_at = now() WHERE lane = 'steps'")
    run(queued, "UPDATE decider.watermark SET next_offset = next_offset + 1000")
    assert reconciler(queued).run_once() == {}


def test_an_item_closed_by_a_fact_that_the_view_does_not_show_yet_is_not_opened_again(queued: WorkSite):
    # Between its commit and its save the decider's watermark stands where the view does, and dispatch may be ahead.
    run(queued, "UPDATE work.item SET state = 'done', finished_at = now() WHERE lane = 'steps'")
    run(queued, "UPDATE work.position SET next_offset = next_offset + 1 WHERE machine = 'file'")
    assert reconciler(queued).run_once() == {}
    assert items(queued) == [("ingest", "done", 1)] * 3
    # Once the view has come as far and still shows that they wait, they do.
    run(queued, "UPDATE projection.position SET next_offset = next_offset + 1 WHERE machine = 'file'")
    assert reconciler(queued).run_once() == {"items": 3}
    assert items(queued) == [("ingest", "open", 2)] * 3


def test_files_that_wait_for_a_person_are_counted(queued: WorkSite):
    run(queued, "UPDATE work.item SET state = 'parked' WHERE subject = 'roman/0' AND lane = 'steps'")
    assert reconciler(queued).run_once() == {"parked": 1}


def test_leases_of_the_dead_are_taken_back(queued: WorkSite):
    run(
        queued,
        "UPDATE work.item SET state = 'leased', lease_owner = 'gone', lease_until = now() - interval '1 s'"
        " WHERE subject = 'roman/0' AND lane = 'steps'",
    )
    assert reconciler(queued).run_once() == {"leases_taken_back": 1}
    assert items(queued) == [("ingest", "open", 1)] * 3


def test_a_report_without_an_outcome_is_sent_again_as_it_was(queued: WorkSite):
    site = queued
    fact = site.history("roman/0")[0]
    with site.engine.connect() as connection:
        report_id = str(
            connection.execute(
                text("SELECT report_id FROM work.item WHERE event_id = :id AND effect = 'ingest'"),
                {"id": fact.id},
            ).scalar_one()
        )
    report = encode_request(
        id=report_id, type="file.fail", subject="roman/0", actor="worker", source="w", at=clock.now(), version=1,
        attempt=1, data={"code": "LOST_ONCE", "failure_class": "data", "message": "as it was"},
    )  # fmt: skip
    with site.engine.begin() as connection:
        connection.execute(
            text("UPDATE work.item SET state = 'reported', reported_at = now() - interval '1 h', report = :report"
                 " WHERE event_id = :id AND effect = 'ingest'"),
            {"report": report, "id": fact.id},
        )  # fmt: skip
    assert reconciler(site).run_once()["reports_sent_again"] == 1
    failed = site.wait("roman/0", "ERROR")
    assert (failed.requestid, failed.data["code"]) == (report_id, "LOST_ONCE")
    site.until(lambda: ("ingest", "done", 1) in items(site, "subject = 'roman/0'"))
    # Sent once more, it changes nothing: the decider knows the id.
    site.writer.send(site.topics.requests("file"), key=b"roman/0", value=report)
    site.ask("file.note", "roman/0", {"text": "after it"}, reason="marks the end")
    site.until(lambda: "noted" in site.types("roman/0"))
    assert site.types("roman/0") == ["arrived", "failed", "noted"]


def test_an_outcome_that_dispatch_missed_closes_its_item(queued: WorkSite):
    site = queued
    site.start_worker()
    for number in range(3):
        site.wait(f"roman/{number}", "COMPLETE")
    site.until(lambda: all(state == "done" for _, state, _ in items(site)))
    run(
        site,
        "UPDATE work.item SET state = 'reported', reported_at = now() - interval '1 h', report = '\\x00'"
        " WHERE effect = 'register'",
    )
    closed: list[int] = []

    def is_mended() -> bool:  # the views that it reads may be a moment behind
        closed.append(reconciler(site).run_once()["items_closed"])
        return sum(closed) == 3

    site.until(is_mended, what=lambda: f"closed {closed}")
    assert [state for _, state, _ in items(site, "effect = 'register'")] == ["done"] * 3


def test_a_lost_deadline_is_made_again(work_site: WorkSite):
    with running(work_site, projector=True) as site:
        site.stream("patient", retry={"tries": 2, "first_s": 600})
        subject = site.announce(site.landing / "patient" / "never.dat", stream="patient")
        site.wait(subject, "ERROR")
        caught_up(site)
        assert run(site, "DELETE FROM work.deadline") == 1
        assert reconciler(site).run_once() == {"deadlines": 1}
        assert reconciler(site).run_once() == {}
        with site.engine.connect() as connection:
            row = connection.execute(text("SELECT * FROM work.deadline")).one()
        assert (row.subject, row.request, row.due_sequence, row.state) == (
            subject,
            "file.retry",
            3,
            "waiting",
        )


def test_a_lost_follow_up_is_made_again_by_a_thorough_look(queued: WorkSite):
    site = queued
    newer = site.place("0.dat", CONTENT + b"newer")
    site.announce(newer)
    site.announce(newer, size_bytes=len(CONTENT) + 5)
    site.until(lambda: "deferred" in site.types("roman/0"), what=lambda: str(site.types("roman/0")))
    site.ask("file.dismiss", "roman/0", {}, version=1, reason="a test frame")
    site.until(lambda: items(site, "effect = 'follow'"))
    caught_up(site)
    run(site, "DELETE FROM work.item WHERE effect = 'follow'")
    assert reconciler(site).run_once() == {}
    assert reconciler(site).run_once(thorough=True) == {"items": 1}


def test_finished_work_is_kept_for_a_while_and_then_pruned(queued: WorkSite):
    run(
        queued,
        "UPDATE work.item SET state = 'done', finished_at = now() - interval '8 days' WHERE lane <> 'steps'",
    )
    found = reconciler(queued, Patience()).run_once()
    assert found == {"pruned": 4}
    assert items(queued, "true") == [("ingest", "open", 1)] * 3
