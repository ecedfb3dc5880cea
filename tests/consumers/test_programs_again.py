"""Work on observing programs that was lost is made again; the audit sees what is missing and nothing else."""

import pytest
from sqlalchemy import text

from service.audit.database import moment
from service.audit.findings import Tally
from service.audit.owed_check import check_owed
from tests.consumers.programs_given import OP_ID, VBI, dataset, wire
from tests.consumers.test_reconciler import caught_up, items, reconciler, run
from tests.consumers.work_site import WorkSite


@pytest.fixture
def waiting(work_site: WorkSite):
    """A site without workers, and a program that waits to be judged beside one that waits to be closed."""
    site = work_site
    site.start(projector=True)
    one, other = dataset("AAAA"), dataset("CCCC", VBI, "VBI")
    site.ask("op.discover", OP_ID, {"source": "catalogue", "datasets": wire(one, other)})
    site.ask("op.ready", OP_ID, {"by": "operator", "program": one.program}, reason="all there")
    site.until(lambda: items(site, "effect = 'qualify'"))
    caught_up(site)
    yield site
    site.end()


def missing(site: WorkSite) -> list[tuple[str, str]]:
    """What the audit finds missing: subject and finding."""
    tally = Tally()
    with moment(site.engine.url.render_as_string(hide_password=False)) as connection:
        check_owed(connection, site.topics.site, tally)
    lost = tally.counters["lost"]
    assert lost.n > 0
    return [(each.subject, each.found) for each in lost.offenders]


def test_where_nothing_is_lost_nothing_is_found(waiting):
    assert reconciler(waiting).run_once(thorough=True) == {}
    assert missing(waiting) == []


def test_a_lost_item_is_seen_by_the_audit_and_made_again_once(waiting):
    before = items(waiting, "effect = 'qualify'")
    assert run(waiting, "DELETE FROM work.item WHERE effect = 'qualify'") == 1
    assert missing(waiting) == [
        (OP_ID, "op.readiness_closed without the work item qualify"),
        (OP_ID, "op in Discovered without the work item for program:id.118.visp"),
    ]
    assert reconciler(waiting).run_once() == {"items": 1}
    assert items(waiting, "effect = 'qualify'") == before
    assert reconciler(waiting).run_once() == {}
    assert missing(waiting) == []


def test_an_item_that_ended_without_a_verdict_is_opened_again(waiting):
    run(waiting, "UPDATE work.item SET state = 'done', finished_at = now() WHERE effect = 'qualify'")
    assert reconciler(waiting).run_once() == {"items": 1}
    assert items(waiting, "effect = 'qualify'") == [("qualify", "open", 2)]


def test_a_program_that_only_waits_for_its_readiness_is_left_alone(waiting):
    run(waiting, "UPDATE work.item SET state = 'done', finished_at = now() WHERE effect = 'readiness'")
    assert reconciler(waiting).run_once() == {}
    with waiting.engine.connect() as connection:
        owed = connection.execute(
            text("SELECT owes_effect FROM work.program_part WHERE part LIKE 'program:%'")
        )
        assert sorted(owed.scalars(), key=str) == [None, "qualify"]


def test_a_lost_deadline_is_known_again(waiting):
    told = {"owner": "ann", "due_at": "2027-11-21T05:00:00Z"}
    waiting.ask("op.assign", OP_ID, told, reason="hers")
    waiting.until(lambda: deadlines_of(waiting))
    caught_up(waiting)
    before = deadlines_of(waiting)
    assert run(waiting, "DELETE FROM work.deadline") == len(before)
    assert reconciler(waiting).run_once() == {}, "only a thorough look reads so much"
    assert reconciler(waiting).run_once(thorough=True) == {"deadlines": len(before)}
    assert deadlines_of(waiting) == before
    assert reconciler(waiting).run_once(thorough=True) == {}


def deadlines_of(site: WorkSite) -> list[tuple[object, ...]]:
    query = "SELECT request, part, due_at, due_sequence, state FROM work.deadline ORDER BY due_sequence"
    with site.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]
