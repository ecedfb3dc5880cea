"""What the demo's senders say, as intake takes it."""

import json
from datetime import UTC, datetime

import pytest
from astropy.io import fits

from consumers.intake import Refused, Taken, take
from events.log import Message
from events.stream import StreamConfiguration
from projectors.stream_rules import StreamRule
from service.demo.bad_messages import bad_messages
from service.demo.exposure import make_exposure, sensors
from service.demo.streams import RUBIN, demo_streams, exposure_stream

NOW = datetime(2026, 11, 20, 21, tzinfo=UTC)


@pytest.fixture
def rules(tmp_path):
    configurations = (*demo_streams(tmp_path), exposure_stream("rubin-summit"))
    return {each.stream: StreamRule(each.stream, "Enabled", False, 1, each) for each in configurations}


def in_inbox(sender: str, value: bytes) -> Message:
    return Message(f"meridian.inbox.{sender}", 0, 0, None, value)


def test_configurations_can_be_read_again_from_json(rules):
    for rule in rules.values():
        again = StreamConfiguration.model_validate_json(rule.configuration.model_dump_json())
        assert again == rule.configuration


def test_each_bad_message_is_refused_for_its_own_reason(tmp_path, rules):
    for bad in bad_messages(tmp_path, seed=0, sent_at=NOW):
        answer = take(in_inbox(bad.sender, bad.value), rules, NOW)
        assert isinstance(answer, Refused), bad.mishap
        assert answer.code == bad.code, bad.mishap


def test_the_camera_has_205_sensors():
    names = list(sensors())
    assert len(set(names)) == len(names) == 205
    assert {"R22_S11", "R00_SG0", "R44_SW1"} < set(names)


def test_an_exposure_is_announced_by_410_notifications_that_intake_takes(tmp_path, rules):
    exposure = make_exposure(tmp_path)
    assert len(exposure.notifications) == 410
    subjects = []
    for value in exposure.notifications:
        taken = take(in_inbox(exposure.sender, value), rules, NOW)
        assert isinstance(taken, Taken)
        assert not taken.refused
        subjects += [asked.subject for asked in taken.asked]
    assert subjects == [file.subject for file in exposure.files]
    assert len(set(subjects)) == 410
    assert subjects[0] == f"{RUBIN}/MC_O_20251120_000034_R01_S00.fits"


def test_a_notification_has_the_shape_that_ceph_gives_it(tmp_path):
    exposure = make_exposure(tmp_path)
    (record,) = json.loads(exposure.notifications[1])["Records"]
    assert (record["eventSource"], record["eventName"]) == ("ceph:s3", "ObjectCreated:Put")
    thing, file = record["s3"]["object"], exposure.files[1]
    assert thing.keys() == {"key", "size", "eTag", "versionId", "sequencer", "metadata", "tags"}
    assert (thing["key"], thing["size"], thing["eTag"]) == (file.key, file.size_bytes, file.etag)
    assert file.key == "LSSTCam/20251120/MC_O_20251120_000034/MC_O_20251120_000034_R01_S00.json"


def test_an_exposures_files_are_what_their_names_say(tmp_path):
    image, header = make_exposure(tmp_path).files[:2]
    with fits.open(image.path) as file:
        file.verify("exception")
        assert file[0].data.shape == (4, 4)
        told = json.loads(header.path.read_text())
        assert {key: file[0].header[key] for key in told} == told
