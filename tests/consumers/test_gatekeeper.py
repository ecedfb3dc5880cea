"""All work rests while dispatch is far behind the ledger."""

import threading
import time

from sqlalchemy import text

from consumers import parts
from consumers.gatekeeper import Gatekeeper
from tests.consumers.work_site import QUICK, WorkSite, running

CONTENT = b"any bytes will do"


def gates(site: WorkSite) -> list[str]:
    with site.engine.connect() as connection:
        return list(connection.execute(text("SELECT reason FROM work.gate")).scalars())


def test_what_is_long_over_is_not_done_again_by_a_database_that_lost_its_work(work_site: WorkSite):
    """Dispatch reads the whole ledger again, and nobody acts on a fact before it is known what became of it."""
    with running(work_site) as site:
        for number in range(4):
            site.wait(site.announce(site.place(f"{number}.dat", CONTENT + bytes([number]))), "COMPLETE")
        site.until(lambda: item_states(site) == {"done"})
    with site.engine.begin() as connection:
        connection.execute(
            text("TRUNCATE work.item, work.version, work.stream, work.deadline, work.position")
        )
    before = {subject: site.types(subject) for subject in ("roman/0", "roman/1", "roman/2", "roman/3")}
    stop = threading.Event()
    keeper = Gatekeeper(log=site.log, topics=site.topics, engine=site.engine, far_behind=5)
    keeper.look(stop)
    assert gates(site)[0].startswith("dispatch is ")
    site.stop, site.threads = stop, []
    site.start_worker(pace=QUICK)
    site.run(
        lambda: parts.run_dispatch(log=site.log, topics=site.topics, engine=site.engine, stop=stop, batch=2)
    )
    site.run(lambda: keeper.watch(stop, threading.Event()))
    site.until(lambda: gates(site) == [])
    site.until(lambda: "open" not in item_states(site))
    time.sleep(0.3)
    site.end()
    assert {subject: site.types(subject) for subject in before} == before


def test_the_gate_stays_open_for_a_short_way(work_site: WorkSite):
    work_site.ask("stream.configure", "roman", {})
    keeper = Gatekeeper(log=work_site.log, topics=work_site.topics, engine=work_site.engine)
    keeper.look(threading.Event())
    assert gates(work_site) == []


def item_states(site: WorkSite) -> set[str]:
    with site.engine.connect() as connection:
        return set(
            connection.execute(
                text("SELECT DISTINCT state FROM work.item WHERE effect <> 'answer'")
            ).scalars()
        )
