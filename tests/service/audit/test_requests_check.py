"""Requests beside the records that answer them: each has its own, in their order, and nobody else's."""

import sqlite3
from typing import Any, NamedTuple

import orjson
import pytest

from service.audit.findings import Tally
from service.audit.job import Job
from service.audit.requests_check import RequestsCheck
from service.audit.subjects import Subjects

TOPIC_ID = "11111111-0000-4000-8000-000000000000"
BEGIN, DECIDED, END = 3, 10, 12


class Said(NamedTuple):
    """A message as the client gives it."""

    at: int
    named: bytes
    told: bytes

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes:
        return self.named

    def value(self) -> bytes:
        return self.told


def request(at: int, *, name: str = "roman/a", number: int | None = None, **more: Any) -> Said:
    members = {**more, "id": request_id(at if number is None else number), "subject": name}
    return Said(at, name.encode(), orjson.dumps(members))


def request_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def checked(requests: list[Said], *answers: dict[str, Any], dead: tuple[int, ...] = ()) -> tuple[Tally, Any]:
    """Records at the offsets 0, 1 and so on; what they raise, and the table of what intake's requests say."""
    own, noted = (sqlite3.connect(":memory:", isolation_level=None) for _ in range(2))
    noted.execute("CREATE TABLE dead (origin TEXT, code TEXT)")
    noted.executemany("INSERT INTO dead VALUES (?, 'X')", [(f"s.file.requests/0/{at}",) for at in dead])
    job = Job(
        kafka="", database="", snapshot="", site="s", machine="file", partition=0, partitions=1, ledger="s.file.events",
        ledger_end=99, requests="s.file.requests", requests_id=TOPIC_ID, requests_begin=BEGIN, requests_end=END,
        decided=DECIDED, cuts={}, tainted=[], folder="",
    )  # fmt: skip
    tally = Tally()
    subjects = Subjects(own)
    check = RequestsCheck(iter([requests]), job, subjects=subjects, connection=own, dead=noted, tally=tally)
    for offset, answer in enumerate(answers):
        record = {"subject": "roman/a", "id": "e", "requesttopic": f"{TOPIC_ID}/0/{answer['at']}", **answer}
        record.setdefault("requestid", request_id(answer["at"]))
        check.answered(record, record["subject"].encode(), offset, is_repeat=bool(answer.get("is_repeat")))
    check.end()
    return tally, own


def raised(tally: Tally) -> dict[str, int]:
    return {name: each.found for name, each in tally.counters.items() if each.found}


ALL = [request(at) for at in range(BEGIN, END)]
ANSWERED: list[dict[str, Any]] = [{"at": at} for at in range(BEGIN, END)]


def test_every_request_that_has_its_record_is_counted_and_nothing_is_raised():
    tally, _ = checked(ALL, *ANSWERED)
    assert raised(tally) == {}
    assert tally.counters["lost"].n == END - BEGIN


def test_an_id_is_found_wherever_it_stands_in_its_request():
    far = [request(at, before="x" * 500) for at in range(BEGIN, END)]
    assert raised(checked(far, *ANSWERED)[0]) == {}


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (request(BEGIN, number=77), "another request at s.file.requests/0/3"),
        (request(BEGIN, name="roman/b"), "another request at s.file.requests/0/3"),
    ],
)
def test_a_record_of_another_request_is_not_an_answer(wrong, found):
    tally, _ = checked([wrong, *ALL[1:]], *ANSWERED)
    assert raised(tally) == {"duplicated": 1}
    (offender,) = tally.counters["duplicated"].offenders
    assert (found in offender.found, offender.position) == (True, "s.file.events/0/0")


def test_a_step_back_is_told_and_so_is_a_request_that_is_not_there():
    back: list[dict[str, Any]] = [{"at": 3}, {"at": 5}, {"at": 4}, *ANSWERED[3:]]
    tally, _ = checked(ALL, *back)
    assert raised(tally) == {"duplicated": 1, "lost": 1}
    assert "offset 4, behind 5" in tally.counters["duplicated"].offenders[0].found
    without = [each for each in ALL if each.at != 5]
    tally, _ = checked(without, *ANSWERED)
    assert raised(tally) == {"duplicated": 1}
    assert "no request at s.file.requests/0/5" in tally.counters["duplicated"].offenders[0].found


def test_requests_that_were_decided_and_have_no_record_are_lost_unless_they_are_dead():
    some = [each for each in ANSWERED if each["at"] not in {4, 6, 11}]
    assert raised(checked(ALL, *some)[0]) == {"lost": 2}, "the last one is not decided yet"
    assert raised(checked(ALL, *some, dead=(4,))[0]) == {"lost": 1}


def test_what_is_no_longer_kept_elsewhere_or_known_to_be_a_repeat_is_passed_over():
    others: list[dict[str, Any]] = [
        {"at": 1},
        {"at": 4, "is_repeat": True},
        {"at": 7, "requesttopic": "22222222-0000-4000-8000-000000000000/0/7"},
        {"at": END + 5},
    ]
    assert raised(checked(ALL, *others, *ANSWERED)[0]) == {}


def test_what_intake_asked_covers_the_message_that_it_was_made_of():
    data = {"witness": "s.inbox.soc/0/9"}
    asked = [
        request(3, source="intake", data=data),
        request(4, source="intake", data={}, causationid="soc/e1"),
    ]
    by_others = [request(5, source="soc", data=data), request(6, data={"text": '"source":"intake"', **data})]
    _, own = checked([*asked, *by_others], *ANSWERED[:4])
    assert [row[0] for row in own.execute("SELECT origin FROM covered")] == ["s.inbox.soc/0/9", "soc/e1"]
