"""URIs of announcements: one spelling for each place, and no way around the roots."""

import pytest

from consumers.announced import Place, base_name
from consumers.objections import Objection


@pytest.mark.parametrize(
    ("uri", "plain"),
    [
        ("s3://landing/a.fits", "s3://landing/a.fits"),
        ("S3://landing/night/a.fits", "s3://landing/night/a.fits"),
        ("s3://landing/night/%61.fits", "s3://landing/night/a.fits"),
        ("s3://landing/a b.fits", "s3://landing/a%20b.fits"),
        ("s3://landing/a%20b.fits", "s3://landing/a%20b.fits"),
        ("file:///landing/a.fits", "file:///landing/a.fits"),
        ("file://localhost/landing/a.fits", "file:///landing/a.fits"),
        ("file:///landing/mu%CC%88nchen.fits", "file:///landing/mu%CC%88nchen.fits"),
    ],
)
def test_a_place_has_one_spelling(uri, plain):
    assert Place.of_uri(uri).uri == plain
    assert Place.of_uri(plain).uri == plain


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "a.fits",
        "/landing/a.fits",
        "http://landing/a.fits",
        "s3:landing/a.fits",
        "s3:/landing/a.fits",
        " s3://landing/a.fits",
        "s3://landing",
        "s3://landing/",
        "s3://landing/night/",
        "s3://landing//a.fits",
        "s3://landing/../a.fits",
        "s3://landing/night/./a.fits",
        "s3://landing/night/%2e%2e/a.fits",
        "s3://landing/night%2Fa.fits",
        "s3://landing/night%5ca.fits",
        "s3://landing/a%00.fits",
        "s3://landing/a%0a.fits",
        "s3://landing/a%252e.fits",
        "s3://landing/100%.fits",
        "s3://landing/a%ff.fits",
        "s3://landing/a.fits?versionId=3",
        "s3://landing/a.fits?",
        "s3://landing/a.fits#x",
        "s3://user@landing/a.fits",
        "s3://landing:80/a.fits",
        "s3://-landing/a.fits",
        "s3://../a.fits",
        "file://elsewhere/landing/a.fits",
        "file:///landing/a\\b.fits",
        "file:///landing/a\x00.fits",
        "file:///landing/a\n.fits",
        "file:///landing/a\u202etsif.fits",
        "file:///landing/\ud800.fits",
        "file:///landing/" + "a" * 300,
        "file://[::1/landing/a.fits",
    ],
)
def test_a_uri_with_more_than_one_reading_is_refused(uri):
    with pytest.raises(Objection) as refused:
        Place.of_uri(uri)
    assert refused.value.code == "BAD_URI"
    assert "found" in refused.value.reasons[0]
    assert "wanted" in refused.value.reasons[0]


@pytest.mark.parametrize(
    ("root", "uri", "lies_in"),
    [
        ("s3://landing/", "s3://landing/a.fits", True),
        ("s3://landing", "s3://landing/night/a.fits", True),
        ("s3://landing/night", "s3://landing/night/a.fits", True),
        ("s3://landing/night/", "s3://landing/nightmare/a.fits", False),
        ("s3://landing/night", "s3://landing/night", False),
        ("s3://landing", "s3://landing-of-others/a.fits", False),
        ("s3://landing", "file:///landing/a.fits", False),
        ("file:///landing", "file:///landing/a.fits", True),
        ("file:///landing/my%20night", "file:///landing/my night/a.fits", True),
        ("file:///", "file:///etc/passwd", True),
        ("/landing", "file:///landing/a.fits", False),
        ("nonsense", "file:///nonsense/a.fits", False),
    ],
)
def test_a_root_holds_what_lies_below_it_step_by_step(root, uri, lies_in):
    assert (Place.of_uri(uri).deepest_root([root]) is not None) is lies_in


def test_of_two_roots_the_longer_one_is_deeper():
    place = Place.of_uri("s3://landing/night/a.fits")
    wide, deep = (
        place.deepest_root(["s3://landing"]),
        place.deepest_root(["s3://landing", "s3://landing/night"]),
    )
    assert wide is not None
    assert deep is not None
    assert wide < deep


def test_an_objects_key_is_taken_as_it_is():
    place = Place.of_object("landing", "night 1/a+b.fits")
    assert place.steps == ("night 1", "a+b.fits")
    assert Place.of_uri(place.uri) == place


@pytest.mark.parametrize("key", ["100%.fits", "a%2Fb.fits", "../a.fits", "/a.fits", "a\x00.fits"])
def test_an_objects_key_is_held_to_the_same_rules(key):
    with pytest.raises(Objection, match="BAD_URI"):
        Place.of_object("landing", key)


def test_a_name_is_composed_but_the_place_keeps_its_bytes():
    place = Place.of_uri("file:///landing/mu\u0308nchen.fits")
    assert place.name == "m\u00fcnchen.fits"
    assert place.steps[-1] == "mu\u0308nchen.fits"


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("a.fits", "a"),
        ("a.FITS", "a"),
        ("a.fits.gz", "a"),
        ("a.fits.fz", "a"),
        ("KB.20190509.07554.57.fits", "KB.20190509.07554.57"),
        ("KB.20190509.07554.57", "KB.20190509.07554.57"),
        ("a", "a"),
        (".fits", ".fits"),
        ("r0000101001001001001_0001_wfi01_f158_cal.asdf", "r0000101001001001001_0001_wfi01_f158_cal"),
    ],
)
def test_the_base_name_is_without_the_extension_and_keeps_its_numbers(name, base):
    assert base_name(name) == base
