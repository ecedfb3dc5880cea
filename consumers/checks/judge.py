"""Runs every check that can judge a file and decides by the stream's rules; a check that raises is a finding itself."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from consumers.checks.answers import results_of
from consumers.checks.check import Check, code_of
from consumers.checks.comparison import UnfitError, holds, in_words
from consumers.checks.judging import InForce, Judging, Rule, in_force
from consumers.checks.look import Look
from consumers.checks.registry import known_checks
from consumers.formats.inspection import InvalidFileError, Level, QaResult
from consumers.formats.text import shortened

if TYPE_CHECKING:
    from consumers.formats.findings import Findings

__all__ = ["UnjudgedError", "Watch", "judge", "unwatched"]

Watch = Callable[[str, bool], AbstractContextManager[None]]
"""Stands around each check, by its name and whether it is critical: a child bounds its time there."""

# Results of formats that give a warning of their own when they fail.
WARNED_OF = frozenset({"metadata_told", "metadata_values", "metadata_widths", "program_assigned"})

# Codes of results that formats give, where a more telling one is known than QA_<NAME>.
CODES_OF_FORMATS = {
    "fits_checksum": "CHECKSUM_MISMATCH",
    "fits_datasum": "CHECKSUM_MISMATCH",
    "block_checksums": "CHECKSUM_MISMATCH",
    "checksums_present": "MISSING_KEYWORD",
    "name_consistent": "BAD_NAME",
}


class UnjudgedError(Exception):
    """A critical check went wrong by itself: nobody knows whether the file is good, and that is no fault of the file.

    Neither taking the file nor rejecting it could be answered for: what the archive holds has passed its critical
    checks, and what it turns away has failed one. So the file waits until the check, or the stream's rule, is mended.
    """


def unwatched(_name: str, _is_critical: bool) -> AbstractContextManager[None]:
    """Nobody bounds a check's time."""
    return nullcontext()


def judge(
    look: Look,
    judging: Judging,
    findings: "Findings",
    *,
    watch: Watch = unwatched,
    checks: Mapping[str, Check] | None = None,
) -> None:
    """Add every result to the findings. After all ran, raises InvalidFileError when a critical check has failed, and
    UnjudgedError when none has failed but one could not judge, unless the stream lets such files go on.
    """
    known = known_checks() if checks is None else checks
    _judge_recorded(look, judging, findings, known)
    for each in known.values():
        if each.judges(look.format, None):
            _run(each, look, judging, findings, watch)
    _name_unknown(look, judging, findings, known)
    _decide(findings)


def _run(each: Check, look: Look, judging: Judging, findings: "Findings", watch: Watch) -> None:
    """One check, by the stream's rule for it."""
    rule = judging.rule_for(each.name, look.purpose)
    # A stream that names its purposes itself knows better than the check for which of them it is meant.
    if not each.judges(look.format, None if rule is not None and rule.purposes else look.purpose):
        return
    try:
        force = in_force(each, rule)
    except UnfitError as error:
        _misconfigured(each.name, str(error), rule, findings)
        force = in_force(each, None)
    if force is None:
        return
    if each.name in judging.left_out:
        _raised(
            each,
            "Limit",
            "it took more time or memory than a file may, or ended its process",
            force,
            findings,
        )
        return
    try:
        with watch(each.name, force.level == "critical"):
            results = results_of(each, force, each.look(look))
    except (MemoryError, InvalidFileError):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a check does wrong is its own, not the file's
        _raised(each, type(error).__name__, " ".join(str(error).split()), force, findings)
        return
    for result in results:
        findings.add(result)


def _judge_recorded(look: Look, judging: Judging, findings: "Findings", known: Mapping[str, Check]) -> None:
    """What the format itself has recorded, by the stream's rules: any value may be given a level and a threshold."""
    for place, result in enumerate(findings.qa):
        rule = None if result.check in known else judging.rule_for(result.check, look.purpose)
        if rule is None:
            continue
        if result.level == "critical":
            if rule.level not in {None, "critical"}:
                _misconfigured(result.check, "it decides whatever a stream says", None, findings)
            continue
        declared = Check(result.check, lambda _: None, "", result.level, result.unit)
        try:
            force = in_force(declared, rule) or InForce("record-only", None, None)
        except UnfitError as error:
            _misconfigured(result.check, str(error), rule, findings)
            continue
        findings.qa[place] = _judged_anew(result, force)


def _judged_anew(result: QaResult, force: InForce) -> QaResult:
    passed = result.passed
    if force.comparison is not None and force.threshold is not None and result.value is not None:
        passed = holds(result.value, force.comparison, force.threshold)
    if result.value is None and force.required:
        passed = False
    return replace(
        result,
        level=force.level,
        passed=passed,
        comparison=force.comparison,
        threshold=in_words(force.threshold) if force.compares else result.threshold,
    )


def _name_unknown(look: Look, judging: Judging, findings: "Findings", known: Mapping[str, Check]) -> None:
    """Rules for checks that this file has no result of, and that no check could have given."""
    given = {result.check for result in findings.qa}
    for name in dict.fromkeys(rule.check for rule in judging.rules):
        rule = judging.rule_for(name, look.purpose)
        is_known = name in known and known[name].judges(look.format, None)
        if rule is None or rule.level == "off" or name in given or is_known:
            continue
        if rule.required:
            message = "the file does not tell it, and the stream requires it"
            level: Level = "critical" if rule.level == "critical" else "advisory"
            findings.add(QaResult(name, level, False, message=message))
            continue
        message = f"the stream asks for the check {name}, this format has none of that name"
        findings.warn("UNKNOWN_CHECK", message, wanted=name)


def _decide(findings: "Findings") -> None:
    """An advisory failure warns; the first critical one decides, with the names of all."""
    failed = [result for result in findings.qa if result.passed is False]
    critical = [result for result in failed if result.level == "critical"]
    for result in failed:
        if result.level == "advisory" and result.check not in WARNED_OF:
            findings.warn(
                code_of(result.check), _in_words(result), keyword=result.check, found=result.value,
                wanted=_wanted(result),
            )  # fmt: skip
    if not critical:
        if findings.unjudged:
            raise UnjudgedError("; ".join(findings.unjudged[:20]))
        return
    first, *others = critical
    more = f"; {len(others)} more failed: {', '.join(each.check for each in others[:20])}" if others else ""
    raise InvalidFileError(
        CODES_OF_FORMATS.get(first.check) or code_of(first.check),
        f"{_in_words(first)}, which this stream requires{more}",
        found=None if first.value is None else str(first.value),
        wanted=_wanted(first) or "passed",
    )


def _in_words(result: QaResult) -> str:
    """A failed result in a sentence: what was found, what was wanted."""
    return ", ".join(_pieces(result))


def _pieces(result: QaResult) -> Iterator[str]:
    unit = f" {result.unit}" if result.unit else ""
    where = f" in {result.part}" if result.part else ""
    if result.value is not None:
        yield f"check {result.check}: found {shortened(str(result.value), 200)}{unit}{where}"
    else:
        yield f"check {result.check}{where}"
    if (wanted := _wanted(result)) is not None:
        yield f"wanted {wanted}{unit}"
    if result.message:
        yield result.message


def _wanted(result: QaResult) -> str | None:
    if result.threshold is None:
        return None
    return f"{(result.comparison or '').replace('_', ' ')} {result.threshold}".strip()


def _raised(each: Check, kind: str, said: str, force: InForce, findings: "Findings") -> None:
    """The check's own fault: recorded and listed; a file that it had to decide on waits, any other goes on."""
    message = f"check {each.name} raised {kind}: {shortened(said, 300) or 'no reason given'}"
    findings.add(QaResult(each.name, "record-only", None, message=message))
    findings.warn("CHECK_RAISED", message, keyword=each.name, found=kind, wanted="a result")
    if force.holds_up:
        findings.unjudged.append(f"{message}; mend the check, then retry the file")


def _misconfigured(name: str, said: str, rule: Rule | None, findings: "Findings") -> None:
    message = f"the stream's rule for {name} is not in force: {said}; correct the stream's configuration"
    findings.warn("CHECK_MISCONFIGURED", message, keyword=name)
    if rule is not None and rule.level == "critical" and rule.when_raised == "fail":
        findings.unjudged.append(message)
