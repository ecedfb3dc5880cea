"""What is asked most often of very many observing programs: which one next, and why one stands where it does."""

import time
from collections.abc import Callable
from functools import partial
from random import Random
from statistics import median

import psutil
import pytest
from sqlalchemy import Connection, Engine, text

from consumers.policies import ranking
from projectors.op_list import OpFilter, op_page
from projectors.op_search import now_of, queued
from projectors.op_story import gather
from service.op_queue import ranked
from service.op_why import OpStory, op_why
from service.op_why_text import lines_of
from tests.projectors.many_ops import fill, fill_history

OPS = 100_000
ASKED = 200


OF_FINDINGS = {
    "the findings of one OP": "SELECT * FROM v1.op_criterion WHERE op = 'op-4711' ORDER BY sequence, ordinal",
    "all that an instrument fails": """
        SELECT op, program, criterion, value, threshold, margin FROM v1.op_criterion
        WHERE instrument = 'VISP' AND is_current AND NOT passed
    """,
    "how often each criterion fails": """
        SELECT criterion, count(*) FROM v1.op_criterion WHERE is_current AND NOT passed GROUP BY criterion
    """,
    "a histogram of one metric": """
        SELECT width_bucket(value, 0, 10, 20) AS bin, count(*) FROM v1.op_criterion
        WHERE criterion = 'c3' AND is_current GROUP BY bin
    """,
}


def next_of(connection: Connection) -> None:
    by = ranking()
    at = now_of(connection)
    found = queued(connection, by, at=at, limit=20)
    assert len(ranked(found.rows, by, at=at)) == 20
    assert found.length > OPS // 10


def rows_of(connection: Connection, query: str) -> object:
    return connection.execute(text(query)).all()


def why_of(connection: Connection, op: str) -> None:
    members = gather(connection, op)
    assert members is not None
    assert lines_of(op_why(OpStory(**members)))


class Clocks:
    """Elapsed time, and the processor's time of the server and of this process, which a busy machine leaves alone."""

    def __init__(self, connection: Connection) -> None:
        self._server = psutil.Process(int(connection.scalar(text("SELECT pg_backend_pid()")) or 0))
        self._client = psutil.Process()

    def read(self) -> tuple[float, float, float]:
        """Milliseconds: elapsed, server, client."""
        server, client = (1000 * sum(each.cpu_times()[:2]) for each in (self._server, self._client))
        return time.perf_counter() * 1000, server, client

    def told(self, what: str, work: Callable[[], object], times: int) -> str:
        """The figures of so many repetitions in one line."""
        found = []
        begun = self.read()
        for _ in range(times):
            began = time.perf_counter()
            work()
            found.append((time.perf_counter() - began) * 1000)
        _, server, client = (after - before for before, after in zip(begun, self.read(), strict=True))
        found.sort()
        p95 = found[max(0, int(times * 0.95) - 1)]
        return (
            f"{what}: n {times}; least {found[0]:.1f}, median {median(found):.1f}, p95 {p95:.1f}, most {found[-1]:.1f} "
            f"ms; processor a time: server {server / times:.1f} ms, client {client / times:.1f} ms"
        )


@pytest.mark.long
@pytest.mark.parametrize("queued_share", [0.2, 1.0])
def test_next_and_why_among_a_hundred_thousand(engine: Engine, queued_share, capsys):
    """Figures are printed; what fails is a plan that reads a table from end to end for one program."""
    with engine.begin() as connection:
        fill(connection, OPS, queued=queued_share, unsaid=100)
        fill_history(connection, OPS)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as vacuuming:
        vacuuming.execute(text("VACUUM (ANALYZE)"))
    dice = Random(7)
    with engine.connect() as connection, capsys.disabled():
        clocks = Clocks(connection)
        print()
        print(clocks.told("op why, first on a connection", lambda: why_of(connection, "op-77"), 1))
        at_random = lambda: why_of(connection, f"op-{dice.randint(1, OPS)}")  # noqa: E731 - it says what it does
        print(clocks.told(f"op why among {OPS}", at_random, ASKED))
        print(clocks.told(f"op next among {OPS}, {queued_share:.0%} queued", lambda: next_of(connection), 20))
        wanted = OpFilter(states=("Preprocessed",))
        print(clocks.told("op list, a page of 200", lambda: op_page(connection, wanted, limit=200), 20))
        for what, query in OF_FINDINGS.items():
            print(clocks.told(what, partial(rows_of, connection, query), 3))
        read = scans(connection, lambda: why_of(connection, "op-4711"))
        read |= scans(connection, partial(rows_of, connection, OF_FINDINGS["the findings of one OP"]))
    assert read == {}, "tables that were read from end to end for one program"


def scans(connection: Connection, work: Callable[[], object]) -> dict[str, int]:
    """How often each large table of the views was read from end to end meanwhile."""

    def count() -> dict[str, int]:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
        connection.rollback()
        rows = connection.execute(
            text("SELECT relname, seq_scan FROM pg_stat_user_tables WHERE n_live_tup > 10000")
        )
        return {row.relname: row.seq_scan for row in rows}

    before = count()
    work()
    after = count()
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}
