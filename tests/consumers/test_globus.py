"""Delivery by Globus at its HTTP boundary: asked once, looked at until it stands there, and each way it fails."""

from pathlib import Path

import pytest
from globus_sdk import AccessTokenAuthorizer, TransferClient
from globus_sdk.transport import RetryConfig

from consumers.delivery import Parcel
from consumers.failures import Failed, Wait
from consumers.globus import GlobusDelivery
from events.program_policy import GlobusPlace
from tests.consumers.globus_server import globus_server

OURS, THEIRS = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
KEY = "published/op/id/attempt-0001/abc/inv.fits"
KEPT = f"/archive/{KEY}"
PARCEL = Parcel("file:///products/op/inv.fits", Path("unread"), KEY, "a" * 64, 8, {})


@pytest.fixture
def service():
    with globus_server() as service:
        service.sources["/op/inv.fits"] = b"inverted"
        yield service


@pytest.fixture
def delivery(service):
    client = TransferClient(
        base_url=service.url,
        authorizer=AccessTokenAuthorizer("token"),
        retry_config=RetryConfig(max_retries=0),
    )
    place = GlobusPlace(
        source=OURS, source_root="file:///products/", destination=THEIRS, destination_path="/archive/"
    )
    return GlobusDelivery(client, place, patience_s=3, pause=lambda _: None)


def test_a_product_is_transferred_once_and_stands_there(service, delivery):
    service.looks_before_end = 2
    delivered = delivery.deliver(PARCEL)
    assert (delivered.uri, delivered.size_bytes, delivered.existed) == (f"globus://{THEIRS}{KEPT}", 8, False)
    assert service.kept == {KEPT: b"inverted"}
    again = delivery.deliver(PARCEL)
    assert (again.existed, len(service.tasks)) == (True, 1)


def test_one_that_takes_long_goes_on_by_itself_and_is_not_asked_again(service, delivery):
    service.looks_before_end = 5
    with pytest.raises(Wait, match="is under way"):
        delivery.deliver(PARCEL)
    assert delivery.deliver(PARCEL).existed is False
    assert len(service.tasks) == 1


def test_a_task_that_failed_says_why_and_another_one_follows(service, delivery):
    service.ends_in = "FAILED"
    with pytest.raises(Failed, match="no space left") as failed:
        delivery.deliver(PARCEL)
    assert (failed.value.code, failed.value.failure_class) == ("GLOBUS_FAILED", "transient")
    service.ends_in = "SUCCEEDED"
    delivery.deliver(PARCEL)
    assert len(service.tasks) == 2


def test_other_content_under_the_key_is_never_overwritten(service, delivery):
    service.kept[KEPT] = b"something else"
    with pytest.raises(Failed, match="found 14 bytes, wanted 8") as failed:
        delivery.deliver(PARCEL)
    assert failed.value.code == "GLOBUS_COPY_BAD"
    assert (service.kept[KEPT], service.tasks) == (b"something else", {})


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("at", range(4))
def test_a_service_that_is_busy_or_broken_at_any_step_makes_it_wait(service, delivery, status, at):
    answer, asked = service.answer, []

    def sometimes(*what):
        asked.append(what)
        return (status, {"code": "Busy", "message": "later"}) if len(asked) == at + 1 else answer(*what)

    service.answer = sometimes
    with pytest.raises(Wait) as waits:
        delivery.deliver(PARCEL)
    assert waits.value.dependency == "globus"
    assert delivery.deliver(PARCEL).size_bytes == 8
    assert len(service.tasks) == 1


def test_nobody_there_makes_it_wait(service, delivery):
    gone = TransferClient(
        base_url="http://127.0.0.1:9",
        authorizer=AccessTokenAuthorizer("x"),
        retry_config=RetryConfig(max_retries=0),
    )
    place = GlobusPlace(source=OURS, source_root="file:///products/", destination=THEIRS)
    with pytest.raises(Wait, match="no answer"):
        GlobusDelivery(gone, place).deliver(PARCEL)


@pytest.mark.parametrize(("status", "code"), [(403, "GLOBUS_REFUSED"), (400, "GLOBUS_REFUSED")])
def test_what_is_refused_says_what_globus_said(service, delivery, status, code):
    service.faults = [(status, "PermissionDenied")]
    with pytest.raises(Failed, match="PermissionDenied on purpose") as failed:
        delivery.deliver(PARCEL)
    assert (failed.value.code, failed.value.failure_class) == (code, "data")


def test_a_task_that_may_not_be_asked_says_so(service, delivery):
    service.faults = []
    answer = service.answer
    service.answer = lambda method, target, body: (
        (403, {"code": "PermissionDenied", "message": "not yours"})
        if "/transfer" in target
        else answer(method, target, body)
    )
    with pytest.raises(Failed, match="not yours") as failed:
        delivery.deliver(PARCEL)
    assert failed.value.code == "GLOBUS_NOT_ALLOWED"


def test_a_product_that_the_collection_does_not_see_is_named(delivery):
    with pytest.raises(Failed, match="wanted a product below file:///products/") as failed:
        delivery.deliver(PARCEL._replace(uri="s3://bucket/inv.fits"))
    assert failed.value.code == "GLOBUS_SOURCE_UNSEEN"


@pytest.mark.parametrize(
    "uri", ["file:///products/../etc/passwd", "file:///products/%2e%2e/x", "file:///products//x"]
)
def test_a_product_can_not_lead_out_of_what_the_collection_sees(service, delivery, uri):
    with pytest.raises(Failed, match="leads elsewhere"):
        delivery.deliver(PARCEL._replace(uri=uri))
    assert service.tasks == {}


def test_names_are_as_people_write_them(service, delivery):
    service.sources["/op/an inversion.fits"] = b"inverted"
    delivery.deliver(PARCEL._replace(uri="file:///products/op/an%20inversion.fits"))
    assert service.kept == {KEPT: b"inverted"}
