"""A header held against the columns of the archive's keyword table: what it would cut, refuse or wonder at."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from consumers.formats.findings import Findings
from consumers.formats.inspection import Scalar
from consumers.formats.keck_columns import Column
from consumers.formats.sexagesimal import degrees
from consumers.formats.text import shortened

__all__ = ["Unlike", "is_null", "missing", "report", "unlike"]

# How Keck's instruments and the archive's pipeline write that there is no value.
NULLS = frozenset({"", "null", "nan", "-nan", "undefined", "#### error ###"})
SAID_ONE_BY_ONE = 5  # keywords of one code that get a warning each; more of them are told of together
NAMED_TOGETHER = 40  # keywords that one warning has room for
WORDS = {
    "METADATA_TOO_LONG": "are wider than their columns",
    "VALUE_MISSING": "have no value",
    "VALUE_NOT_LISTED": "have values that the archive's table does not list",
    "VALUE_OUT_OF_RANGE": "are outside the bounds of the archive's table",
    "VALUE_TYPE": "are of another type than their columns",
}


@dataclass(frozen=True, slots=True)
class Unlike:
    """A value that is not as its column has it: the warning's code, what is said of it alone, what was wanted."""

    code: str
    keyword: str
    text: str
    found: Scalar
    wanted: str


def is_null(value: Scalar) -> bool:
    """Whether a header says with this value that there is none."""
    return value is None or (isinstance(value, str) and value.strip().lower() in NULLS)


def unlike(
    values: Mapping[str, Scalar], columns: Mapping[str, Column], *, typed: Collection[str] = ()
) -> list[Unlike]:
    """Every value that is not as its column has it, in the header's order; the types of ``typed`` are judged already.

    A keyword that has no column is the instrument's own affair, and one that has no value keeps to all columns.
    """
    found: list[Unlike] = []
    for keyword, value in values.items():
        column = columns.get(keyword)
        if column is None or value is None:
            continue
        if value.__class__ in column.takes and len(str(value)) <= column.width:
            continue
        if not is_null(value):
            found += _unlike(column, value, is_typed=keyword in typed)
    return found


def missing(keyword: str) -> Unlike:
    """A keyword that may not be null and has no value."""
    wanted = "a value, which the archive's table demands"
    return Unlike("VALUE_MISSING", keyword, f"{keyword} has no value; have it written with one", None, wanted)


def _unlike(column: Column, value: Scalar, *, is_typed: bool) -> Iterator[Unlike]:
    written = _written(value)
    if len(written) > column.width:
        text = f"{column.keyword} has {len(written)} characters, its column {column.width}; kept whole here"
        wanted = f"<= {column.width} characters"
        yield Unlike("METADATA_TOO_LONG", column.keyword, text, value, wanted)
    number = _number(column, value)
    is_number = column.kind == "char" or number is not None
    is_whole = column.kind != "integer" or number is None or number.is_integer()
    if not (is_number and is_whole):
        if not is_typed:
            wanted = f"{column.kind}, as the archive's column"
            text = f"{column.keyword} is {value!r:.80}, wanted {wanted}; kept here"
            yield Unlike("VALUE_TYPE", column.keyword, text, value, wanted)
        return
    code, wanted = _unwanted(column, written, number)
    if code:
        text = f"{column.keyword} is {value!r:.80}, the archive's table has {wanted}; kept as it is"
        yield Unlike(code, column.keyword, text, value, wanted)


def _unwanted(column: Column, written: str, number: float | None) -> tuple[str | None, str]:
    """A code and what was wanted, or no code where the value is as the table has it."""
    if column.small and "".join(written.lower().split()) not in column.small:
        return "VALUE_NOT_LISTED", f"one of {', '.join(column.listed)}"
    if number is None:
        return None, ""
    if column.minimum is not None and number < column.minimum:
        return "VALUE_OUT_OF_RANGE", f">= {column.minimum:g}"
    if column.maximum is not None and number > column.maximum:
        return "VALUE_OUT_OF_RANGE", f"<= {column.maximum:g}"
    return None, ""


def _written(value: Scalar) -> str:
    """The value as the archive's pipeline writes it into its table: a logical as T or F."""
    return ("F", "T")[value] if isinstance(value, bool) else str(value).strip()


def _number(column: Column, value: Scalar) -> float | None:
    """What a column of numbers makes of the value, which may stand there as a text: the pipeline converts it too."""
    if column.kind == "char":
        return None
    number = _float(value)
    is_angle = number is None and column.kind == "angle"
    return degrees(value, per_unit=1.0) if is_angle else number


def _float(value: Scalar) -> float | None:
    try:
        return None if value is None else float(value)
    except (ValueError, OverflowError):
        return None


def report(odd: Sequence[Unlike], findings: Findings) -> None:
    """Warnings, and the same as results by kind, which a stream may let decide.

    A warning each for the first few of a code, the others told of together: none is left out, and nobody drowns.
    """
    by_code: dict[str, list[Unlike]] = {}
    for each in odd:
        by_code.setdefault(each.code, []).append(each)
    for code, unlikes in by_code.items():
        for each in unlikes[:SAID_ONE_BY_ONE]:
            findings.warn(code, each.text, keyword=each.keyword, found=each.found, wanted=each.wanted)
        for start in range(SAID_ONE_BY_ONE, len(unlikes), NAMED_TOGETHER):
            some = unlikes[start : start + NAMED_TOGETHER]
            named = ", ".join(f"{each.keyword} ({shortened(each.wanted, 24)})" for each in some)
            text = f"{len(some)} more keywords {WORDS[code]}: {named}"
            findings.warn(code, text, found=f"{len(some)} keywords")
    _advise("metadata_widths", "too long for their columns", odd, {"METADATA_TOO_LONG"}, findings)
    _advise("metadata_told", "without a value", odd, {"VALUE_MISSING"}, findings)
    others = WORDS.keys() - {"METADATA_TOO_LONG", "VALUE_MISSING"}
    _advise("metadata_values", "not as the archive's table has them", odd, others, findings)


def _advise(check: str, said: str, odd: Sequence[Unlike], codes: Collection[str], findings: Findings) -> None:
    named = ", ".join(each.keyword for each in odd if each.code in codes)
    findings.advise(check, not named, f"{said}: {named}" if named else None)
