"""Keys of objects in the archive."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from consumers.keys import MAX_KEY_BYTES, object_key

SHA256 = hashlib.sha256(b"content").hexdigest()
NAMES = some.text(min_size=1, max_size=400).filter(
    lambda name: not any(0xD800 <= ord(c) < 0xE000 for c in name)
)


def a_key(logical_name: str = "r0000101001001001001_0001_wfi01_f158_cal", **other: Any) -> str:
    given_by_default: dict[str, Any] = {
        "stream": "roman-wfi",
        "version": 1,
        "sha256": SHA256,
        "extension": "asdf",
    }
    return object_key(**{**given_by_default, "logical_name": logical_name, **other})


def test_a_key_can_be_read_by_a_person():
    assert a_key() == (f"roman-wfi/r0000101001001001001_0001_wfi01_f158_cal.asdf/v1-{SHA256}.asdf")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", ".", ".hidden", "a/b", "a\\b", "a\nb", "ångström", "a b"]
)
def test_strange_names_stay_inside_our_alphabet_and_inside_their_folder(name):
    stream, folder, last = a_key(name).split("/")
    assert stream == "roman-wfi"
    assert not folder.startswith(".")
    assert set(folder) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-=")
    assert last == f"v1-{SHA256}.asdf"


def test_the_same_letters_composed_differently_are_one_name():
    assert a_key("A\u030angstro\u0308m") == a_key("\u00c5ngstr\u00f6m")


@given(
    NAMES,
    NAMES,
    some.integers(1, 200),
    some.integers(1, 200),
    some.sampled_from(["fits", "fits.gz", "fit", ""]),
)
def test_no_key_is_a_prefix_of_another_and_none_is_too_long(one, other, version, other_version, extension):
    first = a_key(one, version=version, extension="fits")
    second = a_key(other, version=other_version, extension=extension)
    for key in (first, second):
        assert len(key.encode()) <= MAX_KEY_BYTES
        assert all(0 < len(part) <= 200 for part in key.split("/"))
    if first != second:
        assert not first.startswith(second)
        assert not second.startswith(first)


def test_files_that_differ_in_what_is_name_and_what_is_extension_have_keys_of_their_own():
    whole, split = a_key("a.fits", extension=""), a_key("a", extension="fits")
    assert whole == f"roman-wfi/a.fits/v1-{SHA256}=.fits"
    assert split == f"roman-wfi/a.fits/v1-{SHA256}.fits"
    assert a_key("a", extension="") == f"roman-wfi/a/v1-{SHA256}="


def test_a_streams_prefix_comes_first():
    assert a_key(prefix="l2/") == f"l2/{a_key()}"


def test_names_too_long_for_a_folder_keep_their_beginning_and_stay_apart():
    one, other = a_key("x" * 300 + "1"), a_key("x" * 300 + "2")
    assert one != other
    assert one.startswith("roman-wfi/" + "x" * 100)


def test_another_copy_of_the_same_content_has_a_key_of_its_own():
    assert a_key(copy=2) == a_key().replace("/v1-", "/v1-c2-")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"stream": "Roman/WFI"}, "Roman/WFI"),
        ({"logical_name": ""}, "logical name"),
        ({"version": 0}, "version 0"),
        ({"prefix": "/l2"}, "/l2"),
        ({"prefix": "l2"}, "l2"),
        ({"prefix": "../"}, "prefix"),
        ({"sha256": "9f2c"}, "9f2c"),
    ],
)
def test_a_part_that_cannot_be_in_a_key_is_named(wrong, named):
    with pytest.raises(ValueError, match=named):
        a_key(**wrong)
