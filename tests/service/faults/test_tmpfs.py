"""A small disk over a folder: it can be full, and what lay below is there again afterwards."""

import errno
import os

import pytest

from service.faults.tmpfs import Ballast, copy_folder, lay_over, take_away, why_not_here

MEBIBYTE = 1 << 20


def test_it_is_full_with_its_ballast_and_has_room_without(tmp_path):
    reason = why_not_here()
    if reason is not None:
        assert "can't be mounted" in reason
        return
    (tmp_path / "below").write_text("kept")
    tmp_path.chmod(0o751)
    lay_over(tmp_path, size_bytes=MEBIBYTE)
    try:
        assert not (tmp_path / "below").exists()
        assert tmp_path.stat().st_mode & 0o777 == 0o751
        ballast = Ballast(tmp_path)
        ballast.fill()
        with pytest.raises(OSError) as full:
            (tmp_path / "more").write_bytes(b"x" * 5000)
        assert full.value.errno == errno.ENOSPC
        ballast.drop()
        (tmp_path / "more").write_bytes(b"x" * 5000)
    finally:
        take_away(tmp_path)
    assert (tmp_path / "below").read_text() == "kept"


def test_a_copy_keeps_holes_and_modes(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "secret").write_text("s")
    (source / "secret").chmod(0o600)
    with (source / "sparse").open("wb") as sparse:
        os.truncate(sparse.fileno(), 64 * MEBIBYTE)
    copy_folder(source, tmp_path / "copy")
    assert (tmp_path / "copy" / "secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "copy" / "sparse").stat().st_blocks * 512 < MEBIBYTE
