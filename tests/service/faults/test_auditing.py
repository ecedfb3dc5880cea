from types import SimpleNamespace
from typing import Any

import pytest

from service.audit import Offender
from service.decider.halts import StoreUnavailableError
from service.faults import auditing
from service.faults.load import Progress
from service.faults.watch import Seen

SETTLED: dict[str, Any] = {
    "next_request": {0: 11, 1: 6},
    "saved": {0: 40, 1: 20},
    "projected": {0: 40, 1: 20},
    "dispatched": {0: 40, 1: 20},
    "complete": 1,
    "others": 1,
    "programs": {"eid_1": "Published", "eid_2": "Working"},
}
PROGRAMS = {"eid_1": "Published", "eid_2": "Working"}

NOTHING_FOUND = dict.fromkeys(
    ("lost", "divergent", "unfenced", "duplicated", "out_of_order"), SimpleNamespace(found=0, offenders=())
)


def audited(monkeypatch, *, findings: Any = None, **lack: Any) -> auditing.Audited:
    progress = Progress({0: 10, 1: 5}, files=["real/a"], others=["fetched/b"], programs=PROGRAMS)
    load: Any = SimpleNamespace(rest=lambda: None, is_at_rest=True, progress=progress)
    arena: Any = SimpleNamespace(watch=SimpleNamespace(seen=Seen(**(SETTLED | lack))), tend=lambda: None)

    def reached(*_given: Any, **_named: Any) -> Any:
        if findings is None:
            raise StoreUnavailableError("the audit has begun")
        return findings

    monkeypatch.setattr(auditing, "_findings", reached)
    return auditing.audited(arena, load, settle_s=-1.0)


def test_what_has_settled_is_audited(monkeypatch):
    line = audited(monkeypatch).line
    assert "the audit has begun" in line
    assert "wanted all of" not in line


@pytest.mark.parametrize(
    "lack",
    [
        {"next_request": {0: 10, 1: 6}},
        {"projected": {0: 39, 1: 20}},
        {"dispatched": {0: 40, 1: 19}},
        {"complete": 0},
        {"others": 0},
        {"programs": {"eid_1": "Publishing", "eid_2": "Working"}},
    ],
    ids=lambda lack: next(iter(lack)),
)
def test_an_audit_waits_for_requests_views_dispatch_files_of_the_load_and_of_cells_and_programs(
    monkeypatch, lack
):
    assert "wanted all of" in audited(monkeypatch, **lack).line


def test_what_has_not_settled_is_named_with_where_it_has_to_come_to(monkeypatch):
    found = audited(
        monkeypatch, findings=SimpleNamespace(counters=NOTHING_FOUND), programs={"eid_2": "Working"}
    )
    assert found.counters == {"stuck": 1}
    assert "eid_1 in None, wanted Published" in found.offenders[0]
    assert "eid_2" not in found.offenders[0].partition("wanted all of")[2]


def test_where_all_stands_still_the_ledger_is_audited_all_the_same(monkeypatch):
    twice = Offender("roman/a", "sequence 11", "12", "file/1/49093")
    counted = dict(NOTHING_FOUND)
    counted["out_of_order"] = SimpleNamespace(found=1, offenders=(twice,))
    counted["divergent"] = SimpleNamespace(found=7, offenders=(twice,))  # views that are behind
    found = audited(monkeypatch, findings=SimpleNamespace(counters=counted), projected={0: 39, 1: 20})
    assert found.counters == {"stuck": 1, "out_of_order": 1}
    assert found.offenders[1] == "out_of_order: roman/a at file/1/49093: found sequence 11, wanted 12"
    assert found.line.endswith("; out_of_order 1")
