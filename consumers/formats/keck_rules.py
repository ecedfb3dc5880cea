"""What a raw Keck file must and may say, keyword by keyword: the instrument's rules applied to its header."""

from collections.abc import Mapping

from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.keck_tables import Rule, instrument_of, rules_for

__all__ = ["apply_rules"]

NULLS = frozenset(
    {"", "null", "nan", "-nan", "undefined"}
)  # how Keck's instruments write that there is no value

Values = dict[str, Scalar]


def apply_rules(values: Mapping[str, Scalar], findings: Findings) -> Values:
    """The value of every rule's keyword. Raises InvalidFileError naming all that are missing or of a wrong type."""
    rules = rules_for(instrument_of(_first(values, ("INSTRUME", "CURRINST"))))
    found = {rule.keyword: _first(values, rule.source) for rule in rules}
    _require_present([rule for rule in rules if not rule.nullable and found[rule.keyword] is None])
    _require_types(
        [rule for rule in rules if not rule.nullable and not _has_type(found[rule.keyword], rule)], found
    )
    for rule in rules:
        value = found[rule.keyword]
        if not _has_type(value, rule):
            found[rule.keyword] = _other_type(rule, value, findings)
    _check_widths(rules, found, findings)
    _check_values(rules, found, findings)
    return found


def _first(values: Mapping[str, Scalar], source: tuple[str, ...]) -> Scalar:
    for keyword in source:
        value = _composed(values, *keyword.split("+", 1)) if "+" in keyword else values.get(keyword)
        if value is not None and str(value).strip().lower() not in NULLS:
            return value
    return None


def _composed(values: Mapping[str, Scalar], prefix: str, number: str) -> str | None:
    """A file's name as instruments make it that do not write it down: a prefix, then the frame's number."""
    begin, count = _first(values, (prefix,)), values.get(number)
    if begin is None or isinstance(count, bool) or not isinstance(count, int):
        return None
    return f"{str(begin).strip()}{count:04d}.fits"


def _has_type(value: Scalar, rule: Rule) -> bool:
    if value is None or rule.type == "char":
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return rule.type == "double" or float(value).is_integer()


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


def _other_type(rule: Rule, value: Scalar, findings: Findings) -> Scalar:
    """A number with a fraction is a number all the same; a text is none, and its place stays empty."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    kept = "kept here" if is_number else "its place stays empty here"
    wanted = f"{rule.type}, as the archive's column"
    text = f"{rule.keyword} is {value!r:.80}, wanted {wanted}; {kept}"
    findings.warn("VALUE_TYPE", text, keyword=rule.keyword, found=value, wanted=wanted)
    return value if is_number else None


def _check_widths(rules: tuple[Rule, ...], found: Values, findings: Findings) -> None:
    """A value wider than its column is kept whole here; the archive would cut it, so it is listed."""
    wide = [rule for rule in rules if len(str(found[rule.keyword] or "")) > rule.width]
    for rule in wide:
        length = len(str(found[rule.keyword]))
        findings.warn(
            "METADATA_TOO_LONG",
            f"{rule.keyword} has {length} characters, its column {rule.width}; kept whole here",
            keyword=rule.keyword,
            found=found[rule.keyword],
            wanted=f"<= {rule.width} characters",
        )
    names = ", ".join(rule.keyword for rule in wide)
    findings.advise("metadata_widths", not wide, f"too long for their columns: {names}" if wide else None)


def _check_values(rules: tuple[Rule, ...], found: Values, findings: Findings) -> None:
    """Values that the archive's table does not list, and numbers outside its bounds: kept, and named."""
    wrong = []
    for rule in rules:
        value = found[rule.keyword]
        code, wanted = _unwanted(rule, value)
        if code:
            wrong.append(rule.keyword)
            text = f"{rule.keyword} is {value!r:.80}, the archive's table has {wanted}; kept as it is"
            findings.warn(code, text, keyword=rule.keyword, found=value, wanted=wanted)
    names = ", ".join(wrong)
    findings.advise(
        "metadata_values", not wrong, f"not as the archive's table has them: {names}" if wrong else None
    )


def _unwanted(rule: Rule, value: Scalar) -> tuple[str | None, str]:
    """A code and what was wanted, or no code where the value is as the table has it."""
    if value is None:
        return None, ""
    if rule.values and str(value).strip().lower() not in rule.values:
        return "VALUE_NOT_LISTED", f"one of {', '.join(rule.values)}"
    if not isinstance(value, int | float):
        return None, ""
    if rule.minimum is not None and value < rule.minimum:
        return "VALUE_OUT_OF_RANGE", f">= {rule.minimum:g}"
    if rule.maximum is not None and value > rule.maximum:
        return "VALUE_OUT_OF_RANGE", f"<= {rule.maximum:g}"
    return None, ""
