"""Large pages: only whole ones, only of memory that is this process's own."""

import os
import sys

import pytest

from consumers.child_pages import LARGE, into_large_pages, large_places

MIB = 1024 * 1024


def a_line(first_mib, last_mib, *, mode="rw-p", inode=0, name=""):
    return f"{first_mib * MIB:x}-{last_mib * MIB:x} {mode} 00000000 00:00 {inode} {name}"


@pytest.mark.parametrize(
    ("line", "places"),
    [
        (a_line(2, 6), [2, 4]),
        (a_line(3, 7), [4]),
        (a_line(3, 5), []),
        (a_line(2, 4, name="[heap]"), [2]),
        (a_line(2, 4, name="[stack]"), []),
        (a_line(2, 4, mode="r--p"), []),
        (a_line(2, 4, mode="rw-s"), []),
        (a_line(2, 4, inode=77, name="/usr/lib/libfoo bar.so"), []),
    ],
)
def test_only_whole_large_pages_of_memory_of_our_own_count(line, places):
    assert list(large_places([line])) == [place * MIB for place in places]


@pytest.mark.skipif(
    sys.platform != "linux" or tuple(map(int, os.uname().release.split(".")[:2])) < (6, 1),
    reason="needs Linux 6.1",
)
def test_what_was_written_is_the_same_afterwards():
    kept = [bytes([number % 256]) * 50_000 for number in range(400)]
    before = [hash(each) for each in kept]
    assert into_large_pages() > 0
    assert [hash(bytes(each)) for each in kept] == before
    assert LARGE == 2 * MIB
