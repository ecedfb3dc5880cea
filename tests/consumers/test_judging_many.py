"""Judging very many programs: each verdict depends on its own datasets alone, and the machine takes every one."""

from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import orjson
import pytest

from consumers.effects.judging import Judged, verdict_request
from consumers.policies import criteria
from events.envelope import decode_request, encode_request
from events.op_requests import JudgeOp
from machines.desk import Desk, Stamp
from machines.op import OP
from projectors.ledger import LEDGER_COLUMNS, ledger_line
from service.bench.programs_floor import _record
from service.bench.programs_made import PROGRAM, Made, discovering, made_programs, readying
from service.client import Ask

AT = datetime(2026, 11, 1, tzinfo=UTC)
MANY = 400
RULES = criteria(None)


@pytest.fixture(scope="module")
def made() -> list[Made]:
    return made_programs(MANY, turn=1, at=AT)


def verdict_of(each: Made) -> Judged:
    request = verdict_request(each.now, [each.dataset], (RULES,))
    assert request is not None
    return request


def decided(desk: Desk, subject, asks: list[Ask]):
    """What becomes of these requests, each read from its bytes as the decider reads it."""
    for number, ask in enumerate(asks):
        value = encode_request(
            id=f"00000000-0000-0000-0000-{number:012d}", type=ask.request.name, subject=ask.subject, actor="bench",
            source="bench", at=AT, data=ask.request.wire(), reason="bench",
        )  # fmt: skip
        stamp = Stamp(f"{number}", "0" * 32, "2026-11-01T00:00:00.000Z", f"t/0/{number}", 1)
        yield desk.decide(subject, decode_request(value), stamp).record


def test_every_criterion_of_every_program_is_found_and_about_a_third_passes(made):
    verdicts = [JudgeOp.read(verdict_of(each).wire()).verdict for each in made]
    assert {len(each.findings) for each in verdicts} == {len(RULES.rules)}
    assert {each.name for each in verdicts[0].findings} == {rule.name for rule in RULES.rules}
    outcomes = Counter(each.outcome for each in verdicts)
    assert outcomes.keys() == {"pass", "fail"}
    assert 0.2 < outcomes["pass"] / MANY < 0.45
    several = [sum(found.required and not found.passed for found in each.findings) > 1 for each in verdicts]
    assert any(several), "some fail for more than one reason"


def test_a_verdict_is_the_same_alone_and_among_many_and_in_any_order(made):
    among = {each.op: verdict_of(each).wire() for each in made}
    for each in islice(reversed(made), 0, MANY, 7):
        assert verdict_of(each).wire() == among[each.op]


def test_what_goes_over_the_wire_is_what_whoever_reads_it_would_write(made):
    """Nothing the decider would put otherwise: what is asked and what is recorded are the same."""
    for each in made:
        told = verdict_of(each).wire()
        assert orjson.loads(orjson.dumps(told)) == orjson.loads(orjson.dumps(JudgeOp.read(told).wire()))


def test_the_machine_takes_every_verdict_and_records_every_finding(made):
    desk = Desk(OP, site="bench")
    rows = 0
    for each, discover, ready in zip(made, discovering(made), readying(made), strict=True):
        asks = [discover, ready, Ask(each.op, verdict_of(each))]
        records = list(decided(desk, desk.new(), asks))
        assert [record.type for record in records] == ["op.discovered", "op.readiness_closed", "op.judged"]
        verdict = records[-1].data["verdict"]
        told = verdict_of(each).wire()["verdict"]
        assert orjson.loads(orjson.dumps(verdict)) == orjson.loads(orjson.dumps(told))
        assert verdict["program"] == PROGRAM
        rows += len(verdict["findings"])
    assert rows == MANY * len(RULES.rules)


def test_the_floor_writes_the_verdicts_that_the_ledger_has(made):
    """Else what it is compared with would be something else."""
    desk = Desk(OP, site="bench")
    each = made[0]
    asks = [next(discovering([each])), next(readying([each])), Ask(each.op, verdict_of(each))]
    *_, record = decided(desk, desk.new(), asks)
    floors = _record(orjson.dumps({"subject": each.op, "data": verdict_of(each).wire()}), 0)

    def row(of):
        return dict(zip(LEDGER_COLUMNS, ledger_line(of).split("\t"), strict=True))

    assert orjson.loads(row(floors)["data"])["verdict"] == orjson.loads(row(record)["data"])["verdict"]
    assert {name: row(floors)[name] for name in ("machine", "type", "subject")} == {
        "machine": "op", "type": "op.judged", "subject": each.op,
    }  # fmt: skip


def test_no_turn_has_names_of_another():
    turns = [{each.op for each in made_programs(5, turn=turn, at=AT)} for turn in (1, 11, 2)]
    assert len(set().union(*turns)) == 15
