from collections import Counter
from typing import Any

from events.envelope import decode_request
from events.ids import partition_of
from machines import MACHINES
from machines.desk import Desk, Stamp, digest_of
from service.faults.lives import STREAM, Lives


def test_the_load_is_the_same_for_the_same_seed_and_repeats_some_requests():
    said = Lives(seed=5).take(2000)
    assert said == Lives(seed=5).take(2000)
    assert said != Lives(seed=6).take(2000)
    ids = Counter(each.id for each in said)
    assert 20 < sum(count > 1 for count in ids.values()) < 200
    assert {partition_of(each.subject, 3) for each in said} == {0, 1, 2}


def test_most_of_what_is_asked_leads_to_facts_some_is_refused_and_nothing_claims_to_be_archived():
    desk, refused = Desk(MACHINES["file"], site="t"), 0
    subjects: dict[str, Any] = {}
    types: Counter[str] = Counter()
    for number, said in enumerate(Lives(seed=1).take(3000)):
        request = decode_request(said.value)
        assert request.subject == said.subject
        assert said.subject.startswith(f"{STREAM}/")
        subject = subjects.setdefault(said.subject, desk.new())
        stamp = Stamp(
            f"00000000-0000-0000-0000-{number:012d}",
            digest_of(request),
            "2026-11-21T12:00:00.000Z",
            f"t/0/{number}",
            1,
        )
        decision = desk.decide(subject, request, stamp)
        assert decision.poison is None
        types[decision.record.type] += 1
        refused += decision.record.is_refusal
    assert 0.03 < refused / 3000 < 0.25
    assert {
        "file.arrived",
        "file.started",
        "file.failed",
        "file.retried",
        "file.dismissed",
        "file.held",
    } <= set(types)
    assert not {"file.transferred", "file.registered"} & set(types)
