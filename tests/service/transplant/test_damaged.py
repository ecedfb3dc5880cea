"""An export that is not what was written is refused before anything is: which file, which line, what helps."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256

import pytest

from events.log import Message
from service.transplant.chains import Chains, WrongRecordError
from service.transplant.checking import check
from service.transplant.folder import new_folder, write_lines
from service.transplant.lines import line_of
from service.transplant.manifest import MANIFEST, Manifest, Part, TransplantError
from service.transplant.telling import Telling
from tests.projectors.histories import Desks, a_life

SITE = "test"


@pytest.fixture
def export(tmp_path):
    """A small one, made by hand: three files from announced to COMPLETE in one partition."""
    desks = Desks()
    for name in ("a", "b", "c"):
        a_life(desks, name)
    folder = tmp_path / "export"
    folder.mkdir()
    parts = []
    for machine in ("file", "identity"):
        sealed = [each for each in desks.sealed if each[0] == machine]
        topic = f"{SITE}.{machine}.events"
        messages = [
            Message(topic, 0, number * 2, subject.encode(), value, (), 1000 + number)
            for number, (_, subject, value) in enumerate(sealed)
        ]
        parts += [
            _part(folder, "ledger", topic, messages),
            _part(folder, "requests", f"{SITE}.{machine}.requests", []),
        ]
    manifest = Manifest(
        SITE, "2026-11-22T12:00:00Z", "meridian 0", {"file": 1, "identity": 1}, False, tuple(parts)
    )
    manifest.write(folder)
    return folder


def _part(folder, kind, topic, messages) -> Part:
    name = f"{topic.removeprefix(f'{SITE}.')}-0.ndjson"
    written = write_lines(folder / name, map(line_of, messages))
    end = messages[-1].offset + 2 if messages else 0
    return Part(name, kind, topic, 0, written.lines, written.bytes, written.sha256, 0, end)


def checked(folder) -> None:
    check(folder, Manifest.read(folder), Telling(lambda _: None))


def rewritten(folder, name, lines) -> None:
    """As somebody would who can make sums too: only chains and sequences can tell."""
    (folder / name).write_bytes(b"".join(lines))
    told = json.loads((folder / MANIFEST).read_text())
    told.pop("digest")
    for part in told["parts"]:
        if part["file"] == name:
            data = b"".join(lines)
            part |= {"records": len(lines), "bytes": len(data), "sha256": sha256(data).hexdigest()}
    told.pop("format"), told.pop("version")
    parts = tuple(Part(**each) for each in told.pop("parts"))
    Manifest(**told, parts=parts).write(folder)


FILE = "file.events-0.ndjson"


def lines_of(folder, name=FILE) -> list[bytes]:
    return (folder / name).read_bytes().splitlines(keepends=True)


def test_what_was_written_is_in_order(export):
    assert Manifest.read(export).records("ledger") > 10
    checked(export)


@pytest.mark.parametrize("at", [0.0, 0.3, 0.9])
def test_a_bit_that_flipped_anywhere_is_found(export, at):
    for path in (export / FILE, export / MANIFEST):
        data = bytearray(path.read_bytes())
        data[int(len(data) * at)] ^= 1
        copy = export.with_name("copy")
        shutil.copytree(export, copy)
        (copy / path.name).write_bytes(data)
        with pytest.raises(TransplantError, match=r"wanted .*another copy"):
            checked(copy)
        shutil.rmtree(copy)


def test_a_file_that_is_missing_is_named(export):
    (export / FILE).unlink()
    with pytest.raises(TransplantError, match=r"file\.events-0\.ndjson: found no such file"):
        checked(export)


def test_a_file_that_was_cut_is_named_with_both_counts(export):
    lines = lines_of(export)
    (export / FILE).write_bytes(b"".join(lines[:-1]))
    with pytest.raises(TransplantError, match=rf"found {len(lines) - 1} records .*wanted {len(lines)}"):
        checked(export)


def test_an_export_that_did_not_end_is_none(export):
    (export / MANIFEST).unlink()
    with pytest.raises(
        TransplantError, match=r"found no manifest\.json, wanted a folder that meridian export has written"
    ):
        checked(export)


def test_one_of_a_later_version_says_who_can_read_it(export):
    told = json.loads((export / MANIFEST).read_text())
    (export / MANIFEST).write_text(json.dumps({**told, "version": 2}))
    with pytest.raises(TransplantError, match=r"found meridian-export of version 2, wanted .* version 1"):
        checked(export)


@pytest.mark.parametrize(
    "wrong",
    [
        {"file": "../x"},
        {"file": ".x"},
        {"kind": "spell"},
        {"name": f"{SITE}.inbox.x"},
        {"name": "other.file.events"},
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(export, wrong):
    part = replace(Manifest.read(export).parts[0], **wrong)
    Manifest(SITE, "", "", {"file": 1}, False, (part,)).write(export)
    with pytest.raises(TransplantError, match="wanted a manifest as it was written"):
        checked(export)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda lines: lines[:3] + lines[4:], "a record is missing, repeated or moved"),
        (lambda lines: [*lines, lines[-1]], "wanted one from"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "a record is missing, repeated or moved|wanted one from"),
        (lambda lines: [lines[0].replace(b"arrived", b"arrivfd"), *lines[1:]], "wanted a fact that this"),
        (lambda lines: [lines[0].replace(b"aaaaaaaa", b"aaaaaaab", 1), *lines[1:]], "found a broken chain"),
        (lambda lines: [b"{}\n", *lines[1:]], "wanted a record as export writes it"),
        (lambda lines: lines[:1], None),
    ],
)  # fmt: skip
def test_whoever_makes_the_sums_anew_is_found_by_sequence_and_chain(export, change, found):
    lines = lines_of(export)
    rewritten(export, FILE, change(lines))
    if found is None:
        checked(export)  # a shorter past that holds together can't be told from a true one
        return
    with pytest.raises(TransplantError, match=rf"{FILE} line \d+: .*({found})"):
        checked(export)


def test_a_partition_that_is_left_out_is_missed(export):
    manifest = Manifest.read(export)
    kept = tuple(part for part in manifest.parts if part.name != f"{SITE}.identity.events")
    Manifest(SITE, "", "", manifest.partitions, False, kept).write(export)
    with pytest.raises(
        TransplantError, match=r"found partitions \[\] of test\.identity\.events, wanted all 1"
    ):
        checked(export)


# --- subjects in memory and in a file


def test_chains_are_followed_in_bounded_memory():
    desks = Desks()
    for number in range(30):
        a_life(desks, f"f{number}")
    sealed = [each for each in desks.sealed if each[0] == "file"]
    sealed.sort(key=lambda each: json.loads(each[2])["sequence"])  # all go on side by side
    chains = Chains("file", 0, 1, kept=4)
    for number, (_, subject, value) in enumerate(sealed):
        chains.follow(Message("t", 0, number, subject.encode(), value))
        assert len(chains._live) <= 4
    with pytest.raises(WrongRecordError, match="a record is missing, repeated or moved"):
        chains.follow(Message("t", 0, 999, sealed[0][1].encode(), sealed[0][2]))
    chains.close()


def test_a_record_in_another_partition_or_under_another_key_is_told():
    desks = Desks()
    a_life(desks, "a")
    _, subject, value = next(each for each in desks.sealed if each[0] == "file")
    for key, partitions, found in (
        (b"other", 1, "found the key"),
        (subject.encode(), 1000, "found in partition 0"),
    ):
        chains = Chains("file", 0, partitions)
        with pytest.raises(WrongRecordError, match=found):
            chains.follow(Message("t", 0, 0, key, value))
        chains.close()


# --- the folder


def test_an_export_is_there_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "x"
    with pytest.raises(IsADirectoryError), new_folder(folder) as writing:
        writing.write_text("half of it, and then something is wrong")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".x.partial").mkdir()
    (tmp_path / ".x.partial" / "left").write_text("by one that was killed")
    with new_folder(folder) as writing:
        (writing / "a").write_text("whole")
        with pytest.raises(TransplantError, match="found another export at work"), new_folder(folder):
            pass
    assert [each.name for each in folder.iterdir()] == ["a"]


def test_what_is_there_already_is_never_written_over(tmp_path):
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "mine").touch()
    with pytest.raises(TransplantError, match="found that it is there already"), new_folder(folder):
        pass
    with pytest.raises(TransplantError, match="found no folder"), new_folder(tmp_path / "no" / "x"):
        pass
