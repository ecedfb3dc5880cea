"""Why a setting is not right, in words that name it, what was found, what was wanted and where to mend it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

__all__ = ["SettingsError", "explained", "misspelled"]

_SECRET = ("database", "s3_secret_key", "globus_client_secret")
_OF_THE_LAUNCHER = ("python", "venv", "config")


class SettingsError(ValueError):
    """A setting can't be used as it is; nothing has been started."""


def explained(
    error: ValidationError,
    model: type[BaseModel],
    *,
    prefix: str,
    config: Path | None,
    filed: Mapping[str, Any],
) -> str:
    """One line for every setting that is not right."""
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else ""
        place = f"{config}: {name}" if name in filed else prefix + name.upper()
        if problem["type"] == "extra_forbidden":
            lines.append(f"{place} is no setting; {_suggestion(name, model.model_fields)}")
        elif name:
            part = "".join(f"{key}: " for key in problem["loc"][1:])
            wrong = _wrong(name, problem["input"], problem["msg"], model.model_fields[name])
            lines.append(f"{place}: {part}{wrong}")
        else:
            lines.append(problem["msg"].removeprefix("Value error, "))
    return "\n".join(lines)


def misspelled(names: Iterable[str], model: type[BaseModel], *, prefix: str) -> list[str]:
    """Variables with our prefix that look like a setting and are none, each with what was probably meant."""
    strangers = {
        name.removeprefix(prefix).lower() for name in names if name.startswith(prefix)
    } - model.model_fields.keys()
    return [
        f"{prefix}{name.upper()} is no setting; did you mean {prefix}{close[0].upper()}"
        for name in sorted(strangers)
        if name not in _OF_THE_LAUNCHER
        and (close := get_close_matches(name, model.model_fields, n=1, cutoff=0.75))
    ]


def _wrong(name: str, found: object, why: str, field: FieldInfo) -> str:
    own = why.removeprefix("Value error, ")
    wanted = own if own.startswith("wanted ") else f"wanted {field.description}"
    shown = "a value that is not shown" if name in _SECRET else repr(found)
    default = field.get_default(call_default_factory=True, validated_data={})
    otherwise = f"leave it out for {default}" if default else "leave it out"
    return f"found {shown}, {wanted}; correct it, or {otherwise}"


def _suggestion(name: str, fields: Iterable[str]) -> str:
    names = list(fields)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]}" if close else f"the settings are {', '.join(names)}"
