from types import SimpleNamespace
from typing import Any

import pytest

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
}


def audited(monkeypatch, **lack: Any) -> str:
    progress = Progress({0: 10, 1: 5}, files=["real/a"], others=["fetched/b"])
    load: Any = SimpleNamespace(rest=lambda: None, is_at_rest=True, progress=progress)
    arena: Any = SimpleNamespace(watch=SimpleNamespace(seen=Seen(**(SETTLED | lack))), tend=lambda: None)

    def reached(*_given: Any, **_named: Any) -> None:
        raise StoreUnavailableError("the audit has begun")

    monkeypatch.setattr(auditing, "_findings", reached)
    return auditing.audited(arena, load, settle_s=-1.0).line


def test_what_has_settled_is_audited(monkeypatch):
    assert "the audit has begun" in audited(monkeypatch)


@pytest.mark.parametrize(
    "lack",
    [
        {"next_request": {0: 10, 1: 6}},
        {"projected": {0: 39, 1: 20}},
        {"dispatched": {0: 40, 1: 19}},
        {"complete": 0},
        {"others": 0},
    ],
    ids=lambda lack: next(iter(lack)),
)
def test_an_audit_waits_for_requests_views_dispatch_and_for_files_of_the_load_and_of_cells(monkeypatch, lack):
    assert "wanted all of" in audited(monkeypatch, **lack)
