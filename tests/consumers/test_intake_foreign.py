"""Other people's messages at the door: S3 notifications, and shapes that are known and not yet taken."""

from typing import Any

import pytest

from consumers.intake import Refused, Taken, take
from tests.consumers.at_the_door import (
    NOW,
    a_message,
    a_stream,
    an_s3_record,
    asked,
    refused,
    request_in,
    rules_of,
)

SUMMIT = a_stream(
    "lsstcam",
    senders=("summit",),
    roots=("s3://landing/night",),
    roles=({"pattern": r".*\.json", "value": "sidecar"},),
)


def told(*records: Any, **other: Any) -> dict[str, Any]:
    return {"Records": list(records), **other}


def outcome_of(value: Any) -> Taken | Refused:
    return take(a_message(value, sender="summit"), rules_of(SUMMIT), NOW)


def test_an_s3_notification_becomes_a_request():
    one = asked(told(an_s3_record("night/r1.fits")), SUMMIT, sender="summit")
    assert one.subject == "lsstcam/r1"
    assert request_in(one)["data"]["content"] == {
        "uri": "s3://landing/night/r1.fits",
        "size_bytes": 2867,
        "modified_at": "2026-11-21T05:41:06.172258Z",
        "etag": "c2484080b0150e9e7f943760c0171add",
    }
    assert request_in(one)["actor"] == "summit"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"c2484080-25"', "c2484080-25"),
        ("", None),
        (None, None),
        (7, None),
        ("x" * 201, None),
        ("a\nb", None),
    ],
)
def test_an_etag_is_taken_as_far_as_it_is_one(written, read):
    content = request_in(asked(told(an_s3_record(eTag=written)), SUMMIT, sender="summit"))["data"]["content"]
    assert content.get("etag") == read


@pytest.mark.parametrize(
    "notification",
    [
        told(an_s3_record("night/r1.fits", event="ObjectCreated:CompleteMultipartUpload")),
        told(an_s3_record("night/r1.fits", event="s3:ObjectCreated:Put")),
        told(an_s3_record("night/r1.fits"), EventName="s3:ObjectCreated:Put", Key="landing/night/r1.fits"),
    ],
)
def test_the_shapes_of_several_stores_say_the_same(notification):
    assert asked(notification, SUMMIT, sender="summit").subject == "lsstcam/r1"


def test_a_notification_that_is_sent_again_asks_under_the_same_id():
    again = an_s3_record("night/r1.fits")
    again["eventId"], again["responseElements"] = "another", {}
    first = asked(told(an_s3_record("night/r1.fits")), SUMMIT, sender="summit")
    assert first.request_id == asked(told(again), SUMMIT, sender="summit", offset=9).request_id


@pytest.mark.parametrize(
    "other", [{"sequencer": "5A3D096863AA680D"}, {"eTag": "ff"}, {"key": "night/r2.fits"}]
)
def test_other_content_or_another_key_is_another_event(other):
    first = asked(told(an_s3_record("night/r1.fits")), SUMMIT, sender="summit")
    assert (
        first.request_id
        != asked(told(an_s3_record(**{"key": "night/r1.fits", **other})), SUMMIT, sender="summit").request_id
    )


@pytest.mark.parametrize(
    ("key", "uri", "subject"),
    [
        ("night/r+1.fits", "s3://landing/night/r%201.fits", "lsstcam/r 1"),
        ("night/r%2B1.fits", "s3://landing/night/r+1.fits", "lsstcam/r+1"),
    ],
)
def test_keys_come_escaped_as_in_a_form(key, uri, subject):
    stream = a_stream("lsstcam", senders=("summit",), name_pattern=".+")
    one = asked(told(an_s3_record(key)), stream, sender="summit")
    assert (one.subject, request_in(one)["data"]["content"]["uri"]) == (subject, uri)


def test_each_record_of_a_notification_is_taken_for_itself():
    outcome = outcome_of(
        told(
            an_s3_record("night/r1.fits"),
            an_s3_record("night/r1.json"),
            an_s3_record("elsewhere/r1.fits"),
            an_s3_record("night/%2e%2e/r1.fits"),
            {"eventName": "ObjectCreated:Put", "s3": {}},
        )
    )
    assert isinstance(outcome, Taken)
    assert [one.subject for one in outcome.asked] == ["lsstcam/r1", "lsstcam/r1.json"]
    assert [one.code for one in outcome.refused] == ["OUTSIDE_ROOTS", "BAD_URI", "SCHEMA_VIOLATION"]
    assert len({one.event_id for one in outcome.refused}) == 3


def test_an_exposure_of_205_images_with_sidecars_is_410_files():
    names = [
        f"night/MC_O_20261121_000034_R{raft:03d}.{kind}" for raft in range(205) for kind in ("fits", "json")
    ]
    outcome = outcome_of(told(*(an_s3_record(name, sequencer=name) for name in names)))
    assert isinstance(outcome, Taken)
    assert (
        len({one.subject for one in outcome.asked}) == len({one.request_id for one in outcome.asked}) == 410
    )


@pytest.mark.parametrize(
    "event", ["ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated", "ObjectTagging:Put"]
)
def test_other_things_that_happen_to_objects_are_known_and_not_taken(event):
    outcome = refused(told(an_s3_record(event=event)), SUMMIT, sender="summit")
    assert (outcome.code, outcome.is_kept) == ("NOT_TAKEN", False)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "landing", "RequestId": "5"}, "S3 test"),
        (
            {"imageName": "MC_O_20261121_000010", "timestampEndOfReadout": 1.7e9, "imageIndex": 1},
            "end of readout",
        ),
        (
            {"fileType": "expectedSensors", "obsId": "MC_O_1", "expectedSensors": {"R00_SW0": "SCIENCE"}},
            "expected sensors",
        ),
        ({"datasetId": "BLKGA", "observingProgramExecutionId": "eid_1", "instrumentName": "VBI"}, "DKIST"),
        ({"data": {"datasetInventories": [{"datasetId": "BLKGA"}]}}, "DKIST"),
    ],
)
def test_known_shapes_that_no_stream_takes_are_answered_and_not_kept(document, kind):
    outcome = refused(document, SUMMIT, sender="summit")
    assert (outcome.code, outcome.is_kept) == ("NOT_TAKEN", False)
    assert kind in outcome.reasons[0]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"eventName": "ObjectCreated:Put", "s3": None},
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": 5}, "object": {"key": "a"}}},
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "landing"}, "object": {"key": 5}}},
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "landing"}, "object": {"key": "%ff"}}},
        {"eventName": None, "s3": {"bucket": {"name": "landing"}, "object": {"key": "night/a.fits"}}},
        "text",
    ],
)
def test_a_misshapen_notification_is_refused_not_raised(record):
    assert isinstance(outcome_of(told(record)), Refused)


@pytest.mark.parametrize("size", [-1, "many", True, None, 1.5])
def test_a_size_that_is_none_is_left_out(size):
    content = request_in(asked(told(an_s3_record("night/r1.fits", size=size)), SUMMIT, sender="summit"))[
        "data"
    ]["content"]
    assert "size_bytes" not in content


def test_a_time_that_is_none_is_left_out():
    record = an_s3_record("night/r1.fits")
    record["eventTime"] = "some day"
    assert "modified_at" not in request_in(asked(told(record), SUMMIT, sender="summit"))["data"]["content"]


def test_the_stream_is_the_one_whose_root_lies_deepest():
    wide = a_stream("all", senders=("summit",), roots=("s3://landing",))
    assert asked(told(an_s3_record("night/r1.fits")), wide, SUMMIT, sender="summit").subject == "lsstcam/r1"
    assert asked(told(an_s3_record("day/r1.fits")), wide, SUMMIT, sender="summit").subject == "all/r1"


def test_streams_with_the_same_root_are_told_apart_by_their_name_patterns():
    fits = a_stream("images", senders=("summit",), name_pattern=r".*\.fits")
    text = a_stream("tables", senders=("summit",), name_pattern=r".*\.csv")
    assert asked(told(an_s3_record("night/r1.csv")), fits, text, sender="summit").subject == "tables/r1"
    assert (
        refused(
            told(an_s3_record("r1.fits")), fits, a_stream("more", senders=("summit",)), sender="summit"
        ).code
        == "AMBIGUOUS_STREAM"
    )


def test_a_notification_of_a_stranger_is_not_taken_for_anyones_stream():
    assert refused(told(an_s3_record("night/r1.fits")), SUMMIT, sender="stranger").code == "OUTSIDE_ROOTS"
