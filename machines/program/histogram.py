"""How a criterion's metric is spread over all programs, with its threshold; as data and drawn for a terminal."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from machines.program.metrics import METRICS
from machines.program.verdict import Finding
from machines.program.wants import shown

__all__ = ["Bar", "Histogram", "draw", "histograms"]

_BARS = 12
_WIDTH = 40
_ABSURD = 30.0


class Bar(NamedTuple):
    """Values from ``low`` up to ``high`` (a text: just this), how many, and how many of them were met."""

    low: float | None
    high: float | None
    label: str
    total: int
    met: int


class Histogram(NamedTuple):
    """One criterion. Where the threshold differs from dataset to dataset, or is in a range, margins are counted."""

    criterion: str
    of_what: str
    unit: str | None
    threshold: float | None
    bars: tuple[Bar, ...]
    unmeasured: int


def histograms(found: Iterable[Finding], *, bars: int = _BARS) -> list[Histogram]:
    """One for each criterion, in order of appearance."""
    by_rule: dict[str, list[Finding]] = {}
    for each in found:
        if each.dataset is not None:
            by_rule.setdefault(each.rule.name, []).append(each)
    return [_histogram(each, bars) for each in by_rule.values()]


def draw(histogram: Histogram, *, width: int = _WIDTH) -> list[str]:
    """Lines for a terminal; ``│`` stands where the threshold lies, ``█`` is met and ``░`` is not."""
    unit = f" [{histogram.unit}]" if histogram.unit else ""
    lines = [f"{histogram.criterion}: {histogram.of_what}{unit}"]
    most = max((bar.total for bar in histogram.bars), default=0)
    for bar in histogram.bars:
        full = math.ceil(width * bar.total / most) if most else 0
        met = round(full * bar.met / bar.total) if bar.total else 0
        mark = "│" if _holds(bar, histogram.threshold) else " "
        lines.append(f"  {bar.label:>23} {mark}{'█' * met}{'░' * (full - met)} {bar.total}")
    if histogram.threshold is not None:
        lines.append(f"  {'threshold':>23} {shown(histogram.threshold)}")
    if histogram.unmeasured:
        lines.append(f"  {'not measured':>23}  {histogram.unmeasured}")
    return lines


def _histogram(found: Sequence[Finding], bars: int) -> Histogram:
    rule = found[0].rule
    metric = METRICS[rule.metric]
    if all(isinstance(each.value, str) or each.value is None for each in found) and rule.comparison in {
        "==",
        "recorded",
    }:
        return _of_texts(found, rule.name, metric.name)
    by_margin = rule.threshold_metric is not None or rule.comparison == "covers"
    values = [(each.margin if by_margin else _number(each.value), each.passed) for each in found]
    known = [(value, met) for value, met in values if value is not None]
    threshold = 0.0 if by_margin else _number(rule.threshold)
    return Histogram(
        rule.name,
        f"margin of {metric.name}" if by_margin else metric.name,
        metric.unit,
        threshold,
        _bars(known, threshold, bars),
        len(values) - len(known),
    )


def _of_texts(found: Sequence[Finding], name: str, metric: str) -> Histogram:
    counted = Counter((each.value, each.passed) for each in found if isinstance(each.value, str))
    texts = sorted({value for value, _ in counted})
    bars = [
        Bar(None, None, text, counted[text, True] + counted[text, False], counted[text, True])
        for text in texts
    ]
    return Histogram(name, metric, None, None, tuple(bars), len(found) - sum(bar.total for bar in bars))


def _bars(known: Sequence[tuple[float, bool]], threshold: float | None, bars: int) -> tuple[Bar, ...]:
    """Equal steps, laid so that the threshold is the border of two; far-out values share the first and the last."""
    if not known:
        return ()
    values = sorted(value for value, _ in known)
    low, high = _most(values)
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
    step = (high - low) / bars or max(abs(high), 1.0) / bars
    start, count = _laid_out(values, threshold, low, high, step)
    counts = [[0, 0] for _ in range(count)]
    for value, met in known:
        place = min(max(math.floor((value - start) / step + 1e-9), 0), len(counts) - 1)
        counts[place][0] += 1
        counts[place][1] += met
    return tuple(
        Bar(start + n * step, start + (n + 1) * step, _label(n, start, step, len(counts), values), count, met)
        for n, (count, met) in enumerate(counts)
    )


def _laid_out(
    values: Sequence[float], threshold: float | None, low: float, high: float, step: float
) -> tuple[float, int]:
    """Where the first bar begins, and how many there are: one at each side of the threshold that has a value."""
    if threshold is None:
        return low, max(math.ceil((high - low) / step - 1e-9), 1)
    below = max(math.ceil((threshold - low) / step - 1e-9), int(values[0] < threshold))
    above = max(math.ceil((high - threshold) / step - 1e-9), int(values[-1] >= threshold))
    return threshold - below * step, below + above


def _most(values: Sequence[float]) -> tuple[float, float]:
    """The range that is drawn: without the outermost hundredth at either side, so that one absurd value does not
    flatten the rest; where absurd ones are many, no further out than three times what the middle half spans.
    """
    cut, quarter = len(values) // 100, len(values) // 4
    low, high = values[cut], values[-1 - cut]
    first, third = values[quarter], values[-1 - quarter]
    middle = third - first
    if middle > 0 and high - low > _ABSURD * middle:
        return max(low, first - 3 * middle), min(high, third + 3 * middle)
    return low, high


def _label(n: int, start: float, step: float, bars: int, values: Sequence[float]) -> str:
    low, high = start + n * step, start + (n + 1) * step
    if n == 0 and values[0] < low - 1e-9 * step:
        return f"< {shown(high)}"
    if n == bars - 1 and values[-1] > high + 1e-9 * step:
        return f"≥ {shown(low)}"
    return f"{shown(low)} – {shown(high)}"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _holds(bar: Bar, threshold: float | None) -> bool:
    return threshold is not None and bar.low is not None and math.isclose(bar.low, threshold, abs_tol=1e-12)
