"""What a raw Keck file must and may say, keyword by keyword: the rules as data and what breaking each one means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError, Scalar

__all__ = ["RULES", "Rule", "apply_rules"]

NULLS = frozenset(
    {"", "null", "nan", "-nan", "undefined"}
)  # how Keck's instruments write that there is no value


@dataclass(frozen=True, slots=True)
class Rule:
    """One keyword: its type, whether it may be null, its column's width in the archive, where the value comes from.

    ``source`` names the keywords to look in, in this order: instruments call one thing by several names.
    """

    keyword: str
    type: Literal["char", "double", "integer"]
    nullable: bool
    width: int
    source: tuple[str, ...]


# After the archive's public keyword tables (KCWI, NIRES): name, type, null allowed, width. PROGID, PROGPI, SEMESTER
# and KOAIMTYP, which the tables want too, are not in raw files: the archive fills them in from the schedule.
RULES = (
    #    keyword     type       nullable width  source
    Rule("INSTRUME", "char",    False,   68,    ("INSTRUME", "CURRINST")),
    Rule("DATE-OBS", "char",    False,   16,    ("DATE-OBS",)),
    Rule("UT",       "char",    False,   16,    ("UTC", "UT")),
    Rule("OFNAME",   "char",    False,   32,    ("OFNAME", "DATAFILE")),
    Rule("TELESCOP", "char",    True,    16,    ("TELESCOP",)),
    Rule("FRAMENO",  "integer", True,    16,    ("FRAMENO", "FRAMENUM", "IMGNUM")),
    Rule("OBJECT",   "char",    True,    68,    ("OBJECT",)),
    Rule("TARGNAME", "char",    True,    68,    ("TARGNAME",)),
    Rule("OBSERVER", "char",    True,    128,   ("OBSERVER",)),
    Rule("OUTDIR",   "char",    True,    68,    ("OUTDIR",)),
    Rule("PROGNAME", "char",    True,    32,    ("PROGNAME",)),
    Rule("PROGTITL", "char",    True,    210,   ("PROGTITL",)),
    Rule("IMTYPE",   "char",    True,    32,    ("KOAIMTYP", "IMTYPE", "OBSTYPE")),
    Rule("ELAPTIME", "double",  True,    24,    ("ELAPTIME", "EXPTIME", "XPOSURE", "TTIME")),
    Rule("AIRMASS",  "double",  True,    24,    ("AIRMASS",)),
    Rule("EL",       "double",  True,    24,    ("EL",)),
    Rule("FILTER",   "char",    True,    32,    ("FILTER", "FILNAME", "BFILTNAM", "RFILTNAM")),
    Rule("DETECTOR", "char",    True,    32,    ("DETECTOR", "CAMERA", "INSTR")),
)  # fmt: skip


def apply_rules(values: Mapping[str, Scalar], findings: Findings) -> dict[str, Scalar]:
    """The value of every rule's keyword. Raises InvalidFileError naming all that are missing or of a wrong type."""
    found = {rule.keyword: _first(values, rule.source) for rule in RULES}
    _require_present([rule for rule in RULES if not rule.nullable and found[rule.keyword] is None])
    _require_types(
        [rule for rule in RULES if not rule.nullable and not _has_type(found[rule.keyword], rule)], found
    )
    for rule in RULES:
        value = found[rule.keyword]
        if not _has_type(value, rule):
            wanted = f"{rule.type}, as the archive's column"
            text = f"{rule.keyword} is {value!r:.80}, wanted {wanted}; it stays empty there"
            findings.warn("VALUE_TYPE", text, keyword=rule.keyword, found=value, wanted=wanted)
            found[rule.keyword] = None
    _check_widths(found, findings)
    return found


def _first(values: Mapping[str, Scalar], source: tuple[str, ...]) -> Scalar:
    for keyword in source:
        value = values.get(keyword)
        if value is not None and str(value).strip().lower() not in NULLS:
            return value
    return None


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


def _check_widths(found: Mapping[str, Scalar], findings: Findings) -> None:
    """A value wider than its column is kept whole here; the archive would cut it, so it is listed."""
    wide = [rule for rule in RULES if len(str(found[rule.keyword] or "")) > rule.width]
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
