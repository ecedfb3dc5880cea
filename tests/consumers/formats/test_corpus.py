"""Every file of the hostile corpus ends in its expected code: in this process, and in a limited child."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consumers.child import Limits
from consumers.formats import FORMATS, Expected
from consumers.formats.inspection import CODES, Inspection
from tests.consumers.formats.corpus import CORPUS, Row

MEBIBYTE = 1024**2
# What each child may use on top of the libraries it is forked with; reading all but the largest takes a few megabytes.
LIMITS = Limits(memory_bytes=256 * MEBIBYTE, cpu_s=10, wall_s=60.0)
RSS_BYTES = 512 * MEBIBYTE
CPU_S = 5.0


def expected_of(row: Row) -> Expected:
    return Expected(row.file_name, settings=row.settings, stream_checks=row.checks)


@contextmanager
def written(row: Row, folder: Path) -> Iterator[Path]:
    """The file, for as long as it is needed: pytest keeps its folders, and some files are large."""
    path = folder / row.file_name
    path.write_bytes(row.bytes())
    yield path
    path.unlink()


def check(found: Inspection, row: Row) -> None:
    """As the row has it; and whatever is said is one line, without a character that commands a terminal."""
    assert (found.verdict, found.code) == ("invalid" if row.code else "ok", row.code), found.message
    assert bool(found.message) is bool(row.code)
    said = [
        found.message,
        found.found,
        found.wanted,
        *[each.message for each in found.qa],
        *[each.message for each in found.warnings],
    ]
    assert not any(ord(letter) < 32 or ord(letter) == 127 for text in said if text for letter in text)
    if row.warning:
        assert row.warning in {each.code for each in found.warnings}


@pytest.mark.parametrize("row", CORPUS, ids=lambda row: row.id)
def test_each_file_ends_in_its_code(row, tmp_path):
    with written(row, tmp_path) as path:
        check(FORMATS[row.format].inspect(path, expected_of(row)), row)


@pytest.mark.parametrize("row", CORPUS, ids=lambda row: row.id)
def test_each_file_ends_in_its_code_in_a_child_within_its_limits(row, tmp_path, inspector):
    pid = inspector.server_pid
    with written(row, tmp_path) as path:
        result = inspector.inspect(path, row.format, expected_of(row), limits=LIMITS)
    assert result.failure is None, f"{result.failure}: {result.usage.log_tail}"
    check(result.inspection, row)
    assert result.usage.exit == "0", "no child was killed: our own reader ends before its limits do"
    assert result.usage.cpu_s < CPU_S
    assert result.usage.peak_rss_bytes < RSS_BYTES
    assert inspector.server_pid == pid, "only its own child may die of a file"


def test_the_corpus_is_large_and_broad():
    hostile = [row for row in CORPUS if row.code]
    assert len(hostile) >= 250
    assert len({row.id for row in CORPUS}) == len(CORPUS), "each says something of its own"
    ours = {name for name, each in FORMATS.items() if each.module.startswith("consumers.")}
    assert {row.format for row in CORPUS} == ours
    # The announced size and sum are not of the file itself; they are tested where announcements are.
    assert {row.code for row in hostile} == CODES - {"SIZE_MISMATCH"}
    by_format = Counter(row.format for row in hostile)
    assert all(
        by_format[name] >= 10 for name in ("fits", "asdf", "json", "jpeg", "ipac-table", "checksum-table")
    )
