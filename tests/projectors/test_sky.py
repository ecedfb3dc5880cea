"""Rectangles for the index hold all of a cone or a box, at the poles and across 0 h too."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projectors.sky import Box, Cone, Rectangle, wrapped_ra

ANY_RA = st.floats(0, 360, exclude_max=True)
ANY_DEC = st.floats(-90, 90)


def holds(rectangle: Rectangle, ra: float, dec: float) -> bool:
    return rectangle.west <= ra <= rectangle.east and rectangle.south <= dec <= rectangle.north


def moved(ra: float, dec: float, distance: float, bearing: float) -> tuple[float, float]:
    """The place at this distance in this direction (degrees; Snyder 1987, 5-5 and 5-6)."""
    lat, far, way = math.radians(dec), math.radians(distance), math.radians(bearing)
    sine = math.sin(lat) * math.cos(far) + math.cos(lat) * math.sin(far) * math.cos(way)
    new = math.asin(max(-1.0, min(1.0, sine)))
    turn = math.atan2(
        math.sin(way) * math.sin(far) * math.cos(lat), math.cos(far) - math.sin(lat) * math.sin(new)
    )
    return wrapped_ra(ra + math.degrees(turn)), math.degrees(new)


@given(ANY_RA, ANY_DEC, st.floats(0, 120), st.floats(0, 1), st.floats(0, 360))
@example(0.0, 89.9, 0.2, 1.0, 180.0)
@example(359.999, 0.0, 0.01, 1.0, 90.0)
@example(0.001, -60.0, 0.01, 1.0, 270.0)
@example(180.0, -90.0, 1.0, 1.0, 77.0)
@example(10.0, 60.0, 20.0, 1.0, 60.0)
def test_all_that_lies_in_a_cone_lies_in_its_rectangles(ra, dec, radius, share, bearing):
    place = moved(ra, dec, radius * share, bearing)
    rectangles = Cone(ra, dec, radius).rectangles()
    # What a degree of rounding at the pole is in right ascension is nothing on the sky.
    near_pole = abs(place[1]) > 90 - 1e-6
    assert near_pole or any(holds(_wider(each), *place) for each in rectangles)


def _wider(one: Rectangle) -> Rectangle:
    return Rectangle(one.west - 1e-7, one.south - 1e-7, one.east + 1e-7, one.north + 1e-7)


def test_a_cone_away_from_the_poles_asks_for_little_of_the_circle():
    (one,) = Cone(180.0, 60.0, 1.0).rectangles()
    assert one.east - one.west == pytest.approx(4.0008, abs=1e-3)


def test_a_cone_across_zero_is_two_rectangles():
    west, east = Cone(0.25, 0.0, 0.5).rectangles()
    assert west.west == pytest.approx(359.75)
    assert (west.east, east.west) == (360.0, 0.0)
    assert east.east == pytest.approx(0.75)


@pytest.mark.parametrize("dec", [89.5, -89.5, 90.0, -90.0])
def test_a_cone_that_holds_a_pole_is_all_the_circle(dec):
    (one,) = Cone(77.0, dec, 1.0).rectangles()
    assert (one.west, one.east) == (0.0, 360.0)


@pytest.mark.parametrize(
    ("west", "east", "inside", "outside"),
    [
        (350.0, 10.0, (0.0, 355.0, 5.0, 350.0, 10.0), (11.0, 180.0, 349.0)),
        (10.0, 350.0, (10.0, 180.0, 350.0), (0.0, 5.0, 355.0)),
        (-10.0, 10.0, (0.0, 355.0), (180.0,)),
        (0.0, 360.0, (0.0, 180.0, 359.9), ()),
        (20.0, 20.0, (20.0,), (19.0, 21.0, 200.0)),
    ],
)
def test_a_box_goes_eastward_from_its_first_edge(west, east, inside, outside):
    rectangles = Box(west, -1.0, east, 1.0).rectangles()
    for ra in inside:
        assert any(holds(each, ra, 0.0) for each in rectangles), ra
    for ra in outside:
        assert not any(holds(each, ra, 0.0) for each in rectangles), ra


@given(st.floats(-360, 720))
@example(-1e-20)
@example(360.0)
def test_a_right_ascension_comes_to_lie_on_the_circle(ra):
    assert 0 <= wrapped_ra(ra) < 360


@pytest.mark.parametrize(
    ("place", "share"),
    [
        (Cone(0.0, 0.0, 90.0), 0.5), (Cone(10.0, 89.0, 180.0), 1.0), (Cone(10.0, 89.0, 0.0), 0.0),
        (Box(0.0, 0.0, 360.0, 90.0), 0.5), (Box(350.0, -90.0, 10.0, 90.0), 20 / 360), (Box(5.0, 30.0, 5.0, 60.0), 0.0),
    ],
)  # fmt: skip
def test_a_place_takes_so_much_of_the_sky(place, share):
    assert place.share == pytest.approx(share)
