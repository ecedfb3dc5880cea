"""What follows from a failure: a wait, a retry at a time, or a person."""

from datetime import UTC, datetime, timedelta

import pytest

from consumers.failures import Failed, Wait, delay_s, fail_request, from_archive, from_source
from consumers.storage_errors import (
    SourceMissing,
    SourceRefused,
    StorageFull,
    StorageRefused,
    StorageUnavailable,
    TransferMismatch,
)
from events.ids import derived_id
from events.stream import RetryPolicy

NOW = datetime(2026, 11, 21, tzinfo=UTC)
POLICY = RetryPolicy(tries=3, first_s=10, factor=2, max_s=25)


def request(failure_class: str = "transient", *, attempt: int = 1, base_attempt: int | None = 1):
    failed = Failed("BROKEN", failure_class, "it failed")  # type: ignore[arg-type]
    return fail_request(
        failed, policy=POLICY, report_id="r1", attempt=attempt, base_attempt=base_attempt, clock=lambda: NOW
    )


@pytest.mark.parametrize(("attempt", "is_due"), [(1, True), (3, True), (4, False), (9, False)])
def test_what_is_transient_is_tried_again_while_the_budget_lasts(attempt, is_due):
    assert (request(attempt=attempt).due_at is not None) is is_due
    assert request(attempt=attempt).tries_allowed == 3


def test_the_budget_begins_anew_with_what_a_person_asked():
    assert request(attempt=7, base_attempt=7).due_at is not None
    assert request(attempt=10, base_attempt=7).due_at is None


@pytest.mark.parametrize("failure_class", ["data", "code"])
def test_what_would_fail_again_waits_for_a_person(failure_class):
    assert request(failure_class).due_at is None


def test_pauses_grow_to_a_limit_and_are_spread_by_the_reports_id():
    ids = [derived_id("event", "transfer", number) for number in range(200)]
    for tried, wanted in ((0, 10), (1, 20), (2, 25), (50, 25)):
        pauses = [delay_s(POLICY, tried, each) for each in ids]
        assert min(pauses) >= wanted * 0.8
        assert max(pauses) <= wanted * 1.2
        assert max(pauses) - min(pauses) > wanted * 0.3
    assert delay_s(POLICY, 1, ids[0]) == delay_s(POLICY, 1, ids[0])
    assert request().due_at == NOW + timedelta(seconds=delay_s(POLICY, 0, "r1"))


@pytest.mark.parametrize("error", [StorageUnavailable("away"), StorageFull("full")])
def test_a_server_that_can_not_serve_makes_work_wait(error):
    found = from_archive(error, "roman")
    assert isinstance(found, Wait)
    assert (found.dependency, found.code) == ("archive", error.code)


def test_a_refusal_by_the_archive_holds_up_its_own_stream_only():
    found = from_archive(StorageRefused("no such bucket"), "roman")
    assert isinstance(found, Wait)
    assert found.dependency == "store/roman"


def test_a_refusal_by_the_source_may_concern_one_file_and_holds_up_no_other():
    refused = from_source(StorageRefused("403"), "roman")
    assert isinstance(refused, Failed)
    assert (refused.code, refused.failure_class) == ("STORAGE_REFUSED", "transient")
    away = from_source(StorageUnavailable("away"), "roman")
    assert isinstance(away, Wait)
    assert away.dependency == "store/roman"
    missing = SourceMissing("gone")
    assert from_source(missing, "roman") is missing


@pytest.mark.parametrize(
    ("error", "failure_class"), [(SourceMissing("gone"), "transient"), (SourceRefused("outside"), "data")]
)
def test_what_concerns_one_file_is_its_own_failure(error, failure_class):
    found = from_archive(error, "roman")
    assert isinstance(found, Failed)
    assert (found.code, found.failure_class) == (error.code, failure_class)


def test_a_mismatch_carries_both_sums_as_evidence():
    found = from_archive(TransferMismatch("s3://a/b", "a" * 64, "b" * 64, 10, 9), "roman")
    assert isinstance(found, Failed)
    assert found.evidence == {
        "found_sha256": "b" * 64,
        "wanted_sha256": "a" * 64,
        "found_bytes": 9,
        "wanted_bytes": 10,
        "existed": False,
    }
