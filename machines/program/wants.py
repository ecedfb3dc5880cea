"""What would have to change for a criterion to be met, in words that name numbers."""

import math

from events.op_parts import Dataset, Value
from machines.program.criteria import Rule
from machines.program.metrics import METRICS

__all__ = ["shown", "wanted"]


def wanted(rule: Rule, dataset: Dataset, value: Value, threshold: Value) -> str:
    """One sentence about a criterion that is not met in this dataset."""
    name = rule.title or rule.name
    if value is None:
        return f"{name}: not measured in {dataset.dataset}, {_missing(rule.metric, dataset)}"
    if threshold is None:
        return f"{name}: no threshold in {dataset.dataset}, {_missing(rule.threshold_metric or '', dataset)}"
    found = f"{name}: found {shown(value)} in {dataset.dataset}, wanted {_asked(rule, threshold)}"
    help_ = _help(rule, dataset, value, threshold)
    return f"{found}; {help_}" if help_ else found


def shown(value: Value) -> str:
    """A value for people."""
    if isinstance(value, tuple):
        return " – ".join(shown(each) for each in value)
    if isinstance(value, float):
        return f"{value:.5g}" if abs(value) < 1e5 else f"{value:.0f}"
    return str(value)


def _asked(rule: Rule, threshold: Value) -> str:
    unit = METRICS[rule.metric].unit or ""
    of_what = f" ({rule.threshold_metric})" if rule.threshold_metric else ""
    word = {"==": "", "inside": "less than "}.get(rule.comparison, f"{rule.comparison} ")
    if rule.comparison == "covers":
        return f"a range that covers {shown(threshold)} {unit}"
    return f"{word}{shown(threshold)}{f' {unit}' if unit else ''}{of_what}"


def _missing(metric: str, dataset: Dataset) -> str:
    reads = METRICS[metric].reads if metric in METRICS else ()
    for problem in dataset.problems:
        if any(_about(problem.path, path) for path in reads):
            return f"because its record has {problem.path}: {problem.found}, wanted {problem.wanted}"
    return f"because its record does not say {' and '.join(reads) or metric}"


_CATALOGUE_NAMES = {
    "gos": "gosStatus", "ao_locked": "aoLocked", "light_level": "lightLevel", "fried_m": "friedParameter",
    "polarimetric_accuracy": "polarimetricAccuracy", "frames": "frameCount", "bounding_box": "boundingBox",
    "stokes": "stokesParameters", "started_at": "startTime", "wavelength_min_nm": "wavelengthMin",
    "wavelength_max_nm": "wavelengthMax",
}  # fmt: skip


def _about(path: str, member: str) -> bool:
    """Whether a problem of the catalogue's record is why this member is not known."""
    first = member.partition(".")[0]
    return path.partition(".")[0] in {first, _CATALOGUE_NAMES.get(first, first)}


def _help(rule: Rule, dataset: Dataset, value: Value, threshold: Value) -> str:
    """By what it would be met, where that can be counted."""
    if isinstance(value, tuple) and isinstance(threshold, int | float):
        return _range_help(value, threshold)
    if not isinstance(value, int | float) or not isinstance(threshold, int | float):
        return ""
    if rule.metric.endswith("_share") and dataset.frames:
        more = math.ceil(threshold * dataset.frames - 1e-9) - round(value * dataset.frames)
        return f"{max(more, 1)} more of its {dataset.frames} frames would do"
    if rule.metric == "gos_open_frames":
        return f"{threshold - value:g} of its {dataset.frames} frames were not taken with it open"
    if rule.comparison == "inside":
        return f"its farthest corner is {value - threshold:.1f} {METRICS[rule.metric].unit} outside"
    return f"{abs(value - threshold):.4g} short of it"


def _range_help(value: tuple[object, ...], threshold: float) -> str:
    numbers = [each for each in value if isinstance(each, int | float)]
    off = min((abs(each - threshold) for each in numbers), default=math.nan)
    return (
        f"the nearest range of the program is {off:.4g} nm away: a dataset that covers it would have to come"
    )
