"""How a stream wants checks judged: level, threshold, purposes. Part of its configuration, and so a versioned fact."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, StrictInt, StringConstraints, model_validator

from events.types import Part

__all__ = ["CheckName", "CheckRule", "CheckRules", "Purpose"]

CheckName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Purpose = Literal["science", "calibration", "engineering", "test"]
Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]
Number = Annotated[StrictInt, Field(ge=-(1 << 53), le=1 << 53)] | Annotated[FiniteFloat, Field(strict=True)]
Limit = Number | Text

RULES_BYTES_AT_MOST = 64 * 1024  # they go with every file to the child that reads it
_ORDERED = frozenset({"<", "<=", ">", ">="})


class CheckRule(Part):
    """One check as this stream wants it; what is left out stays as the check itself declares it.

    ``check`` is a check's name or any value that the stream's format records. The first rule for a check whose
    purposes hold the file's counts.
    """

    check: CheckName
    level: Literal["critical", "advisory", "record-only", "off"] | None = None
    comparison: Literal["<", "<=", ">", ">=", "==", "!=", "between", "one_of"] | None = Field(
        None, description="how a value has to stand to the threshold"
    )
    threshold: Limit | Annotated[tuple[Limit, ...], Field(min_length=1, max_length=200)] | None = Field(
        None, description="in the check's unit; between: the lowest and the highest; one_of: all that may be"
    )
    purposes: tuple[Purpose, ...] = Field((), description="files of these purposes; empty: all")
    required: bool = Field(False, description="a file that does not tell the value has failed the check")
    when_raised: Literal["fail", "warn"] = Field(
        "fail",
        description="where it is critical and goes wrong by itself: the file waits in ERROR until the check is mended, "
        "or goes on with a warning",
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.comparison is not None:
            _require_fit(self.comparison, self.threshold)
        return self


def _of_bounded_size(rules: tuple[CheckRule, ...]) -> tuple[CheckRule, ...]:
    size = sum(len(rule.model_dump_json()) for rule in rules)
    if size > RULES_BYTES_AT_MOST:
        raise ValueError(f"found rules of {size} bytes, wanted at most {RULES_BYTES_AT_MOST}")
    return rules


CheckRules = Annotated[tuple[CheckRule, ...], Field(max_length=200), AfterValidator(_of_bounded_size)]


def _require_fit(comparison: str, threshold: object) -> None:
    """Raise ValueError for a threshold that nothing can be compared with in this way."""
    if threshold is None:
        raise ValueError(f"found the comparison {comparison} without a threshold; give both")
    is_list = isinstance(threshold, tuple)
    if comparison in _ORDERED and not isinstance(threshold, int | float):
        raise ValueError(f"found {threshold!r}, wanted a number, as {comparison} compares numbers")
    if comparison in {"==", "!="} and is_list:
        raise ValueError(f"found a list, wanted one value for {comparison}; one_of takes several")
    if comparison == "one_of" and not is_list:
        raise ValueError(f"found {threshold!r}, wanted a list for one_of")
    if comparison == "between" and not _is_range(threshold):
        raise ValueError(f"found {threshold!r}, wanted the lowest and the highest number for between")


def _is_range(threshold: object) -> bool:
    return (
        isinstance(threshold, tuple)
        and len(threshold) == 2
        and all(isinstance(end, int | float) for end in threshold)
        and threshold[0] <= threshold[1]
    )
