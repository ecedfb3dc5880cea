"""What a raw Keck file must and may say: the instrument's rules applied, and every keyword held to its column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.keck_columns import Column, Table, table_of
from consumers.formats.keck_held import Unlike, is_null, missing, report, unlike
from consumers.formats.keck_tables import Rule, instrument_of, rules_for

__all__ = ["Ruled", "apply_rules"]

Values = dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class Ruled:
    """The value of every rule's keyword, and the header's keywords whose values are not as their columns have them."""

    values: Values
    warned_of: tuple[str, ...]


def apply_rules(values: Mapping[str, Scalar], findings: Findings) -> Ruled:
    """The values that are read, every keyword held to its column; what is not as it should be gets a warning.

    Raises InvalidFileError naming all keywords that are missing or of a wrong type and that nothing goes on without.
    """
    instrument = instrument_of(_first(values, ("INSTRUME", "CURRINST"))[1])
    rules, table = rules_for(instrument), table_of(instrument)
    given = {rule.keyword: _first(values, rule.source) for rule in rules}
    found = {keyword: value for keyword, (_, value) in given.items()}
    _require_present([rule for rule in rules if not rule.nullable and found[rule.keyword] is None])
    mistyped = [rule for rule in rules if not _has_type(found[rule.keyword], rule)]
    _require_types([rule for rule in mistyped if not rule.nullable], found)
    odd = [_other_type(rule, *given[rule.keyword]) for rule in mistyped]
    found |= {each.keyword: None for each in mistyped if not _is_number(found[each.keyword])}
    odd += unlike(values, table.columns, typed={each.keyword for each in odd})
    # What stands in no column of the table: all keywords of the other instruments, and names that are put together.
    beside = {
        rule.keyword: column for rule in rules if (column := _column_of(rule, given[rule.keyword][0], table))
    }
    odd += unlike({keyword: given[keyword][1] for keyword in beside}, beside, typed=beside)
    odd += _missing(values, rules, found, table)
    report(odd, findings)
    return Ruled(found, tuple(dict.fromkeys(each.keyword for each in odd)))


def _first(values: Mapping[str, Scalar], source: tuple[str, ...]) -> tuple[str, Scalar]:
    """The first keyword that has a value, and the value."""
    for keyword in source:
        value = _composed(values, *keyword.split("+", 1)) if "+" in keyword else values.get(keyword)
        if not is_null(value):
            return keyword, value
    return source[0], None


def _composed(values: Mapping[str, Scalar], prefix: str, number: str) -> str | None:
    """A file's name as instruments make it that do not write it down: a prefix, then the frame's number."""
    begin, count = values.get(prefix), values.get(number)
    if is_null(begin) or isinstance(count, bool) or not isinstance(count, int):
        return None
    return f"{str(begin).strip()}{count:04d}.fits"


def _has_type(value: Scalar, rule: Rule) -> bool:
    if value is None or rule.type == "char":
        return True
    return _is_number(value) and (rule.type == "double" or float(value).is_integer())


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require_present(missing: list[Rule]) -> None:
    if missing:
        named = ", ".join(f"{rule.keyword} (looked for in {', '.join(rule.source)})" for rule in missing)
        raise InvalidFileError(
            "MISSING_KEYWORD",
            f"{len(missing)} keywords that may not be null have no value: {named}; correct the header",
            found="null",
            wanted=", ".join(rule.keyword for rule in missing),
        )


def _require_types(wrong: list[Rule], found: Mapping[str, Scalar]) -> None:
    if wrong:
        named = ", ".join(
            f"{rule.keyword} is {found[rule.keyword]!r:.60}, wanted {rule.type}" for rule in wrong
        )
        raise InvalidFileError(
            "SCHEMA_VIOLATION", f"{named}; correct the header and send it again", found=named
        )


def _other_type(rule: Rule, keyword: str, value: Scalar) -> Unlike:
    """A number with a fraction is a number all the same; a text is none, and its place stays empty."""
    kept = "kept here" if _is_number(value) else "its place stays empty here"
    wanted = f"{rule.type}, as the archive's column"
    return Unlike(
        "VALUE_TYPE", keyword, f"{keyword} is {value!r:.80}, wanted {wanted}; {kept}", value, wanted
    )


def _column_of(rule: Rule, keyword: str, table: Table) -> Column | None:
    """The column of a value whose own keyword has none in the table."""
    if keyword in table.columns:
        return None
    width = table.columns[rule.keyword].width if rule.keyword in table.columns else rule.width
    return None if width is None else Column(rule.keyword, "char", width)


def _missing(
    values: Mapping[str, Scalar], rules: Iterable[Rule], found: Mapping[str, Scalar], table: Table
) -> list[Unlike]:
    """What the table lets not be null and the instrument tells nothing of, under no name that a rule knows it by."""
    told = {keyword for rule in rules if found[rule.keyword] is not None for keyword in rule.source}
    return [
        missing(keyword) for keyword in table.not_null if keyword not in told and is_null(values.get(keyword))
    ]
