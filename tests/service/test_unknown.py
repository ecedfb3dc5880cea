"""What is said of a file that nobody has announced."""

from datetime import UTC, datetime

from events.stream import StreamConfiguration
from service.unknown import Mention, Unknown, lines_of, streams_for

KECK = StreamConfiguration(stream="keck-kcwi", format="keck-raw-fits", name_pattern=r"k[br]\d{6}_\d{5}\.fits")
ROMAN = StreamConfiguration(stream="roman-wfi", format="roman", name_pattern=r"r\d+_cal\.asdf")
KNOWN = {"keck-kcwi": KECK, "roman-wfi": ROMAN}
EXTENSIONS = {"keck-raw-fits": (".fits",), "roman": (".asdf",)}


def test_a_name_with_or_without_its_extension_finds_the_stream_that_would_take_it():
    assert streams_for("kb261120_00001", KNOWN, EXTENSIONS) == ("keck-kcwi",)
    assert streams_for("kb261120_00001.fits", KNOWN, EXTENSIONS) == ("keck-kcwi",)
    assert streams_for("roman-wfi/r01_cal", KNOWN, EXTENSIONS) == ("roman-wfi",)


def test_a_stream_that_is_named_is_the_only_one_asked():
    assert streams_for("roman-wfi/kb261120_00001", KNOWN, EXTENSIONS) == ()


def test_a_stream_that_is_not_known_does_not_hide_the_one_that_is_meant():
    assert streams_for("kcwi/kb261120_00001", KNOWN, EXTENSIONS) == ("keck-kcwi",)


def test_what_is_known_is_said_with_the_way_to_announce_it():
    unknown = Unknown(
        subject="kb261120_00001",
        close=("keck-kcwi/kb261120_00002",),
        mentions=(Mention("0/7", "keck-summit", "BAD_NAME", "name: wanted another"),),
        streams=("keck-kcwi",),
        senders=("keck-summit",),
        known_streams=("keck-kcwi",),
    )
    text = "\n".join(lines_of(unknown))
    assert "nothing is known of it" in text
    assert "dead letter 0/7 from keck-summit mentions it: BAD_NAME" in text
    assert "meridian deadletter show 0/7" in text
    assert "names that are close: keck-kcwi/kb261120_00002" in text
    assert '"stream":"keck-kcwi"' in text
    assert "| meridian publish -" in text


def test_a_name_that_no_stream_takes_says_which_streams_there_are():
    text = "\n".join(lines_of(Unknown(subject="x", known_streams=("keck-kcwi",))))
    assert "no stream's names are like this; the streams are keck-kcwi" in text


def test_a_file_whose_sidecar_has_come_is_missed_by_it():
    unknown = Unknown(subject="lsst-cam/a", known_streams=("lsst-cam",), sidecars=("a.json",))
    assert "its sidecar a.json is COMPLETE; the file itself was not announced" in "\n".join(lines_of(unknown))


def test_a_file_that_a_manifest_names_is_missed_by_it():
    told_at = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    entry = {
        "manifest": "n.md5", "manifest_version": 2, "algorithm": "MD5", "sum": "0" * 32, "told_at": told_at,
    }  # fmt: skip
    told = "\n".join(lines_of(Unknown(subject="keck/a", known_streams=("keck",), entry=entry)))
    assert "n.md5 (version 2) names it" in told
    assert "0" * 32 in told
    assert "it has not come" in told
