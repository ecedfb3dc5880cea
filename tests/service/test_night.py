"""The demo's night: real files, each mishap with what is to come of it, the same for the same seed."""

import hashlib
import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from consumers.formats import FORMATS, Expected
from service.demo import keck
from service.demo.announcement import Announcement, Outcome
from service.demo.maker import NotMadeError, make_files
from service.demo.mishaps import MISHAPS
from service.demo.night import Night, bytes_needed, good_files, make_night, night_of
from service.demo.spoil import edit_tree
from service.demo.streams import DKIST, KECK, ROMAN, demo_streams

GOOD_FILES = 9
OUTCOMES = {
    "cut_in_transfer": ("INVALID", "SIZE_MISMATCH"),
    "cut_before_announced": ("INVALID", "TRUNCATED"),
    "image_cut_before_announced": ("INVALID", "TRUNCATED"),
    "key_missing": ("INVALID", "SCHEMA_VIOLATION"),
    "key_illegal": ("INVALID", "SCHEMA_VIOLATION"),
    "keyword_missing": ("INVALID", "SCHEMA_VIOLATION"),
    "keyword_twice": ("INVALID", "DUPLICATE_KEYWORD"),
    "empty": ("INVALID", "EMPTY_FILE"),
    "sum_wrong": ("INVALID", "CHECKSUM_MISMATCH"),
    "picture_with_a_fits_name": ("INVALID", "NOT_THE_FORMAT"),
    "text_with_a_fits_name": ("INVALID", "NOT_THE_FORMAT"),
    "billion_laughs": ("INVALID", "UNSAFE_CONTENT"),
    "array_elsewhere": ("INVALID", "UNSAFE_CONTENT"),
    "told_twice": ("COMPLETE", None),
    "delivered_twice": ("COMPLETE", None),
    "sent_again_with_other_content": ("COMPLETE", None),
    "clock_stands_still": ("ERROR", "IDENTITY_CONFLICT"),
    "another_instrument": (None, "BAD_NAME"),
}


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    return make_night(tmp_path_factory.mktemp("landing"), files=GOOD_FILES)


def path_of(said: Announcement) -> Path:
    return Path(unquote(urlsplit(said.uri).path))


def subject_of(said: Announcement) -> str:
    return f"{said.stream}/{path_of(said).stem}"


def untouched(night: Night, stream: str) -> list[Path]:
    return [file.path for file in night.files if file.stream == stream and file.mishap is None]


def test_a_night_has_the_good_files_asked_for_on_three_streams(night):
    good = Counter(file.stream for file in night.files if file.mishap is None)
    # The exposure between the two whose clock stands still is good as well.
    assert good == Counter(good_files(GOOD_FILES)) + Counter({KECK: 1})
    assert set(good) == {ROMAN, DKIST, KECK}


@pytest.mark.parametrize("files", [1, 3, 60, 64, 1000])
def test_any_number_of_files_is_shared_out_and_each_stream_gets_one(files):
    shares = good_files(files)
    assert sum(shares.values()) == max(files, 3)
    assert min(shares.values()) >= 1


@pytest.mark.slow
def test_the_same_seed_makes_the_same_names_bytes_and_messages(night, tmp_path):
    def told(night: Night) -> list[tuple[object, ...]]:
        return [
            (path_of(each).name, each.size_bytes, each.sha256, each.event_id, each.sent_at)
            for each in night.announcements
        ]

    again = make_night(tmp_path, files=GOOD_FILES)
    assert told(again) == told(night)
    assert [file.sha256 for file in again.files] == [file.sha256 for file in night.files]


def test_another_seed_is_another_night_with_other_names(tmp_path):
    names = {
        path.name
        for seed in (0, 1, 2999)
        for path in keck.write(tmp_path, seed=seed, night=night_of(seed), count=2, full=False)
    }
    assert len(names) == 6
    assert night_of(0) == date(2026, 11, 20)


def test_every_mishap_happens_and_its_outcome_is_written_beside_it(night):
    assert {each.name: each.outcome[:2] for each in MISHAPS} == OUTCOMES
    assert {said.mishap for said in night.announcements} - {None} == set(OUTCOMES)
    for file in night.files:
        wanted = OUTCOMES.get(file.mishap, ("COMPLETE", None))
        assert night.expected[file.subject][:2] in {wanted, ("COMPLETE", None)}


def test_good_files_are_announced_as_they_are(night):
    for said in night.announcements:
        if said.mishap is None:
            content = path_of(said).read_bytes()
            assert (said.size_bytes, said.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_each_announced_file_is_judged_as_expected(night):
    streams = {stream.stream: stream for stream in demo_streams(night.landing)}
    identities: Counter[str | None] = Counter()
    for said in night.announcements:
        stream, path, wanted = streams[said.stream], path_of(said), night.expected[subject_of(said)]
        if not re.fullmatch(stream.name_pattern, path.name):
            assert wanted == Outcome(None, "BAD_NAME")
            continue
        expected = Expected(path.name, said.size_bytes, said.sha256, identity_rule=stream.identity)
        result = FORMATS[stream.format].inspect(path, expected)
        if said.mishap == "clock_stands_still":
            identities[result.identity] += 1
            continue
        found = ("INVALID", result.code) if result.verdict == "invalid" else ("COMPLETE", None)
        assert found == wanted[:2], f"{said.mishap or path.name}: {result.message}"
        assert result.warnings == (), path.name
    assert list(identities.values()) == [2]


def test_good_roman_files_satisfy_the_missions_schema(night):
    asdf = pytest.importorskip("asdf")
    with asdf.config_context() as config:
        config.validate_on_read = True
        for path in untouched(night, ROMAN):
            with asdf.open(path) as file:
                meta = file["roman"]["meta"]
                assert meta["filename"] == path.name
                assert meta["instrument"]["detector"].lower() in path.name
                assert meta["instrument"]["optical_element"].lower() in path.name
                assert path.name.startswith(f"r{meta['observation']['visit_id']}_")
                center = meta["wcs"](63.5, 63.5)
                assert center == pytest.approx((meta["wcsinfo"]["ra_ref"], meta["wcsinfo"]["dec_ref"]))
                assert file["roman"]["data"].std() > 0


def test_good_dkist_files_satisfy_the_data_centres_specification(night):
    validator = pytest.importorskip("dkist_header_validator").spec214_validator
    fits = pytest.importorskip("astropy.io.fits")
    headers = []
    for path in untouched(night, DKIST):
        validator.validate(path, extra=False)
        with fits.open(path, checksum=True) as file:
            headers.append(file[0].header)
            assert (file[0].verify_checksum(), file[0].verify_datasum()) == (1, 1)
            assert file[0].header["FILENAME"] == path.name
    for keyword in ("DSETID", "IP_ID", "OBSPR_ID", "PROP_ID"):
        assert len({header[keyword] for header in headers}) == 1
    assert headers[0]["PROP_ID"] == "pid_2_100"


def test_one_name_comes_twice_with_other_content(night):
    again = [said for said in night.announcements if said.mishap == "sent_again_with_other_content"]
    assert len({subject_of(said) for said in again}) == 1
    assert len({said.sha256 for said in again}) == 2
    assert night.expected[subject_of(again[0])] == Outcome("COMPLETE", None, 2)


def test_a_repeat_is_the_same_message_and_a_second_witness_is_another(night):
    ids = Counter((said.mishap, said.event_id) for said in night.announcements if said.mishap)
    assert [count for (mishap, _), count in ids.items() if mishap == "delivered_twice"] == [2]
    assert [count for (mishap, _), count in ids.items() if mishap == "told_twice"] == [1, 1]


def test_either_of_two_rivals_may_win_but_not_both(night):
    (rivals,) = night.rivals
    one, other = sorted(rivals)
    lost = Outcome("ERROR", "IDENTITY_CONFLICT")
    for winner, loser in ((one, other), (other, one)):
        found = {**night.expected, winner: Outcome("COMPLETE"), loser: lost}
        assert list(night.differences(found)) == []
    assert len(list(night.differences({**night.expected, one: lost, other: lost}))) == 1
    both = {**night.expected, one: Outcome("COMPLETE"), other: Outcome("COMPLETE")}
    assert list(night.differences(both)) == [f"{other}: found COMPLETE, wanted ERROR (IDENTITY_CONFLICT)"]


def test_what_ended_otherwise_is_told(night):
    subject = next(subject for subject, outcome in night.expected.items() if outcome.version == 2)
    found = {**night.expected, subject: Outcome("INVALID", "TRUNCATED")}
    assert list(night.differences(found)) == [
        f"{subject}: found INVALID (TRUNCATED), wanted COMPLETE, version 2"
    ]
    del found[subject]
    assert list(night.differences(found)) == [f"{subject}: found not taken, wanted COMPLETE, version 2"]


def test_an_announcement_is_a_cloudevent_of_its_sender(night):
    event = night.announcements[0].cloudevent()
    assert event["specversion"] == "1.0"
    assert (event["type"], event["source"]) == ("file.arrived", "roman-soc")
    assert datetime.fromisoformat(event["time"]).tzinfo == UTC
    assert set(event["data"]) == {"stream", "uri", "size_bytes", "sha256"}


def test_the_manifest_is_json_and_complete(night, tmp_path):
    night.write_manifest(tmp_path / "manifest.json")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert len(manifest["announcements"]) == len(night.announcements)
    assert len(manifest["files"]) == len(night.files)
    assert manifest["expected"].keys() == night.expected.keys()


def test_the_room_a_night_takes_is_known_beforehand(night):
    taken = sum(file.size_bytes for file in night.files)
    assert 0.5 < taken / bytes_needed(GOOD_FILES, full=False) < 1.2


def test_a_writer_that_fails_says_why(tmp_path):
    with pytest.raises(NotMadeError, match=r"keck-kcwi: 0 of 1 files(.|\n)*ValueError"):
        make_files(tmp_path, {KECK: 1}, seed=-1, night=date(2026, 11, 20), full=False)


def test_a_spoiling_that_changes_nothing_is_noticed(night):
    with pytest.raises(ValueError, match="nothing in the tree"):
        edit_tree(untouched(night, ROMAN)[0], lambda tree: tree.replace("no such text", "x"))
