"""``meridian check``: a stream's checks at one's desk, without any server."""

import json

import numpy as np
import pytest
from astropy.io import fits

from tests.consumers.formats.build import a_keck_file
from tests.service.cli.command_line import meridian

STREAM = """
stream = "plain"
senders = ["somebody"]
format = "fits"
name_pattern = 'a\\d+\\.fits'
"""


@pytest.fixture
def folder(tmp_path):
    """A good file, a cut one, one with a name that the stream does not take; and the stream."""
    (tmp_path / "plain.toml").write_text(STREAM)
    landing = tmp_path / "landing"
    landing.mkdir()
    for name in ("a1.fits", "a2.fits", "b1.fits"):
        fits.PrimaryHDU(np.ones((50, 50), np.int16)).writeto(landing / name, checksum=True)
    (landing / "a2.fits").write_bytes((landing / "a2.fits").read_bytes()[:4000])
    return tmp_path


def test_each_file_of_a_folder_is_judged_and_exit_1_says_that_one_would_not_be_taken(capsys, folder):
    given = ("check", str(folder / "landing"), "--config-file", str(folder / "plain.toml"))
    said = meridian(capsys, *given, "-o", "json")
    assert said.code == 1
    rows = {row["path"].rpartition("/")[2]: row for row in json.loads(said.out)}
    assert {name: (row["result"], row["code"]) for name, row in rows.items()} == {
        "a1.fits": ("ok", None),
        "a2.fits": ("invalid", "TRUNCATED"),
        "b1.fits": ("not taken", "BAD_NAME"),
    }
    assert len(rows["a1.fits"]["sha256"]) == 64
    assert any(check["check"] == "structure" and check["passed"] for check in rows["a1.fits"]["qa"])


def test_one_file_is_shown_with_all_its_checks(capsys, folder):
    said = meridian(capsys, "check", str(folder / "landing" / "a1.fits"), "--format", "fits")
    assert said.code == 0
    assert "structure (critical): passed" in said.out


def test_one_file_is_told_with_what_was_read_differently_and_its_identity(capsys, tmp_path):
    path = a_keck_file(tmp_path, DATE_OBS="09/05/19", PROGNAME="")
    (tmp_path / "keck.toml").write_text(
        'stream = "keck"\nsenders = ["x"]\nformat = "keck-raw-fits"\nidentity = "koaid"\nname_pattern = ".+"\n'
    )
    said = meridian(capsys, "check", str(path), "--config-file", str(tmp_path / "keck.toml"))
    assert said.code == 0
    assert "PROGRAM_MISSING" in said.out.splitlines()[1], (
        "the table names the warnings of a file that is taken"
    )
    assert "fix: DATE-OBS is read as 2019-05-09, the file has 09/05/19; the date of the exposure" in said.out
    assert "identity KB.20190509.07554.57" in said.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.fits", "--format", "fits"], "nowhere.fits: found no such file"),
        (["landing"], "wanted --stream, --config-file or --format"),
        (["landing", "--format", "tiff"], "found the format tiff"),
        (["landing", "--config-file", "missing.toml"], "missing.toml"),
    ],
)
def test_wrong_use_is_said_in_words(capsys, folder, monkeypatch, arguments, words):
    monkeypatch.chdir(folder)
    said = meridian(capsys, "check", *arguments)
    assert said.code == 2
    assert words in said.err
