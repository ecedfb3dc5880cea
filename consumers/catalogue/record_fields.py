"""The members of a catalogue's record, each read for what it should be; whatever is not so is a problem with a path."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeGuard

from events.op_parts import Problem as ProblemPart

__all__ = ["Fields", "Problem"]

_CUT = 120
_LARGEST = (
    10**15
)  # more frames, bytes or milliseconds than any observatory will have; and what every store can hold
_YEARS = range(1960, 2200)
_NUMBERS = frozenset({int, float})
"""As JSON has them: of exactly these types, so that True is none."""

_CORNER = r"\(\s*([^(),\s]+)\s*,\s*([^(),\s]+)\s*\)"
_BOX = re.compile(rf"\s*{_CORNER}\s*,\s*{_CORNER}\s*")
_MISSING = object()


Box = tuple[float, float, float, float]


class Problem(NamedTuple):
    """One thing that is wrong with a record: where, what stands there, what should."""

    path: str
    found: str
    wanted: str

    @classmethod
    def of(cls, path: str, found: Any, wanted: str) -> "Problem":
        """With what was found as text, cut to a line."""
        return cls(path, _shown(found), wanted)

    def written(self) -> dict[str, str]:
        """As a fact keeps it, in JSON."""
        return {"path": self.path[-255:], "found": self.found[:255], "wanted": self.wanted[:255]}

    def part(self) -> ProblemPart:
        """As a fact keeps it."""
        return ProblemPart(**self.written())

    def __str__(self) -> str:
        return f"{self.path}: found {self.found}, wanted {self.wanted}"


class Fields:
    """A record and the problems found in it so far. Every reader gives None for what is not as it should be."""

    def __init__(self, raw: Mapping[str, Any], at: str = "") -> None:
        self._raw = raw
        self._at = f"{at}." if at else ""
        self.problems: list[Problem] = []

    def wrong(self, name: str, found: Any, wanted: str) -> None:
        """Note a problem."""
        self.problems.append(Problem.of(self._at + name, found, wanted))

    def name(self, name: str, *, may_be_null: bool = False) -> str | None:
        """An identifier or a short text."""
        value = self._raw.get(name)
        if type(value) is not str:
            value = self._get(name, "a text", may_be_null=may_be_null)
        if value is None:
            return None
        wanted = "a text of 1 to 255 printable characters"
        # PostgreSQL stores no NUL, UTF-8 no half of a pair, a terminal obeys controls, and nobody reads the rest.
        stripped = value.strip() if isinstance(value, str) else ""
        if not 1 <= len(stripped) <= 255 or not value.isprintable():
            self.wrong(name, value, wanted)
            return None
        return stripped

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self._get(name, "true or false")
        if value is None or isinstance(value, bool):
            return value
        self.wrong(name, value, "true or false")
        return None

    def number(self, name: str, *, at_least: float | None = None, above: float | None = None) -> float | None:
        """A finite number; whole ones stay whole."""
        value = self._get(name, "a number")
        return None if value is None else self._number(name, value, at_least=at_least, above=above)

    def count(self, name: str, *, at_least: int, at_most: int | None = None) -> int | None:
        """A whole number within bounds."""
        value = self._raw.get(name)
        if value is None:
            value = self._get(name, f"a whole number of at least {at_least}")
        return None if value is None else self._count(name, value, at_least=at_least, at_most=at_most)

    def moment(self, name: str, *, may_be_null: bool = False) -> datetime | None:
        """A time, of UTC and without saying so; it is taken for UTC unless it says another offset."""
        wanted = "a time such as 2022-12-08T19:07:55.038"
        value = self._get(name, wanted, may_be_null=may_be_null)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
            if moment is not None and moment.tzinfo is not None:
                moment = moment.astimezone(UTC).replace(tzinfo=None)
        except (ValueError, OverflowError):
            moment = None
        if moment is None or moment.year not in _YEARS:
            self.wrong(name, value, wanted)
            return None
        return moment

    def in_order(self, first: str, earlier: datetime | None, second: str, later: datetime | None) -> None:
        """Note it where the earlier of two times is the later one; both stay as they are said."""
        if earlier is not None and later is not None and earlier > later:
            wanted = f"a time not before {first}, which is {earlier.isoformat()}+00:00"
            self.wrong(second, f"{later.isoformat()}+00:00", wanted)

    def box(self, name: str) -> Box | None:
        """Two opposite corners, written ``(x,y),(x,y)``, as x, y, x, y."""
        wanted = "two corners in arcseconds such as (-560.16,-347.5),(-677.17,-467.21)"
        value = self._get(name, wanted)
        if value is None:
            return None
        found = _BOX.fullmatch(value) if isinstance(value, str) else None
        try:
            numbers = [float(each) for each in found.groups()] if found else []
        except ValueError:
            numbers = []
        if not numbers or not all(map(math.isfinite, numbers)):
            self.wrong(name, value, wanted)
            return None
        return numbers[0], numbers[1], numbers[2], numbers[3]

    def counters(self, name: str, names: Sequence[str], frames: int | None) -> dict[str, int | None] | None:
        """How many frames are in each of several conditions. A null counter is 0 where the others sum to the frames."""
        value = self._object(name, names)
        if value is None:
            return None
        if frames is not None and (sound := _sound_counters(value, names, frames)):
            return sound
        counted: dict[str, int | None] = {
            each: self._counter(f"{name}.{each}", value.get(each), frames) for each in names
        }
        total = sum(each or 0 for each in counted.values())
        if frames is not None and total == frames:
            unsaid = [each for each in names if value.get(each) is None]
            return counted | dict.fromkeys(unsaid, 0)
        if frames is not None:
            self.wrong(name, f"counters that sum to {total}", f"frameCount, which is {frames}")
        return counted if any(each is not None for each in counted.values()) else None

    def spread(
        self, name: str, names: Sequence[str], *, may_be_null: bool = False
    ) -> dict[str, float] | None:
        """The spread of a quantity (smallest, quartiles, largest); a single number counts as its median."""
        value = self._raw.get(name)
        if type(value) is dict and (sound := _rising(value, names)):
            return sound
        wanted = f"an object with {', '.join(names)}"
        value = self._get(name, wanted, may_be_null=may_be_null)
        if _is_number(value):
            value = {"med": value}
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.wrong(name, value, wanted)
            return None
        found = {
            each: self._number(f"{name}.{each}", value[each]) for each in names if value.get(each) is not None
        }
        known = {each: number for each, number in found.items() if number is not None}
        if list(known.values()) != sorted(known.values()):
            self.wrong(
                name, ", ".join(f"{each} {number:g}" for each, number in known.items()), "rising values"
            )
            return None
        if value.get("med") is None:
            self.wrong(f"{name}.med", value.get("med"), "a number")
        return known or None

    # --- the pieces ---

    def _get(self, name: str, wanted: str, *, may_be_null: bool = False) -> Any:
        value = self._raw.get(name, _MISSING)
        if value is _MISSING:
            if not may_be_null:
                self.wrong(name, _MISSING, wanted)
            return None
        if value is None and not may_be_null:
            self.wrong(name, None, wanted)
        return value

    def _object(self, name: str, names: Sequence[str]) -> Mapping[str, Any] | None:
        value = self._raw.get(name)
        if type(value) is dict:
            return value
        wanted = f"an object with {', '.join(names)}"
        value = self._get(name, wanted)
        if value is None or isinstance(value, Mapping):
            return value
        self.wrong(name, value, wanted)
        return None

    def _counter(self, path: str, value: Any, frames: int | None) -> int | None:
        return None if value is None else self._count(path, value, at_least=0, at_most=frames)

    def _count(self, path: str, value: Any, *, at_least: int, at_most: int | None) -> int | None:
        number = self._number(path, value, at_least=at_least)
        if number is None:
            return None
        if number != int(number):
            self.wrong(path, value, "a whole number")
            return None
        if at_most is not None and number > at_most:
            self.wrong(path, value, f"at most frameCount, which is {at_most}")
            return None
        return int(number)

    def _number(
        self, path: str, value: Any, *, at_least: float | None = None, above: float | None = None
    ) -> float | None:
        if (
            type(value) not in _NUMBERS
            or not -_LARGEST <= value <= _LARGEST  # NaN is in no range
            or (at_least is not None and value < at_least)
            or (above is not None and value <= above)
        ):
            bound = f" of at least {at_least:g}" if at_least is not None else ""
            beyond = f" above {above:g}" if above is not None else ""
            self.wrong(path, value, f"a number{bound} that may be (up to {_LARGEST:.0e}){beyond}")
            return None
        number: float = value
        return number


def _is_number(value: Any) -> TypeGuard[int | float]:
    return type(value) in _NUMBERS


def _sound_counters(
    value: Mapping[str, Any], names: Sequence[str], frames: int
) -> dict[str, int | None] | None:
    """Counters that are what they should be, as nearly all are; None: they have to be looked at one by one."""
    counted: dict[str, int | None] = {}
    total = 0
    for each in names:
        count = value.get(each)
        if count is None:
            count = 0
        elif type(count) is not int or count < 0:
            return None
        counted[each] = count
        total += count
    return counted if total == frames else None


def _rising(value: Mapping[str, Any], names: Sequence[str]) -> dict[str, float] | None:
    """A spread that is what it should be; None: it has to be looked at one by one."""
    found: dict[str, float] = {}
    last: float = -_LARGEST
    for each in names:
        number = value.get(each)
        if not _is_number(number) or not last <= number:
            return None
        found[each] = last = number
    return found if last <= _LARGEST else None


def _shown(found: Any) -> str:
    if found is _MISSING:
        return "nothing"
    if found is None:
        return "null"
    if isinstance(found, float) and not math.isfinite(found):
        return str(found)
    text = found if isinstance(found, str) and found.isprintable() else ascii(found)
    return text if len(text) <= _CUT else f"{text[:_CUT]}…"
