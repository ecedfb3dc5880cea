"""Policies as data files: criteria, readiness, ranking; each with a version, read and checked here."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from machines.program.criteria import Criteria
from machines.program.ranking import Ranking
from machines.program.readiness import ReadinessPolicy

__all__ = ["PolicyFileError", "criteria", "ranking", "read_policy", "readiness", "shipped"]

Policy = TypeVar("Policy", bound=BaseModel)


class PolicyFileError(Exception):
    """A policy's file can't be taken; the message names the place, what was found, and what was wanted."""


def criteria(path: Path | None = None) -> Criteria:
    """The criteria in a file (TOML, or JSON where its name says so); those that are shipped where none is given."""
    return shipped("visp-v1.toml", Criteria) if path is None else read_policy(path, Criteria)


def readiness(path: Path | None = None) -> ReadinessPolicy:
    """The readiness policy in a file, or the one that is shipped."""
    return (
        shipped("readiness-v1.toml", ReadinessPolicy) if path is None else read_policy(path, ReadinessPolicy)
    )


def ranking(path: Path | None = None) -> Ranking:
    """The weights of the queue in a file, or those that are shipped."""
    return shipped("ranking-v1.toml", Ranking) if path is None else read_policy(path, Ranking)


def read_policy(path: Path, kind: type[Policy]) -> Policy:
    """A policy from a file. Raises PolicyFileError naming each member that is wrong; OSError where it can't be read."""
    text = path.read_text(encoding="utf-8")
    try:
        members = _json(text) if path.suffix == ".json" else tomllib.loads(text)
        return kind.model_validate(members)
    except ValidationError as error:
        raise PolicyFileError(f"{path}: {_told(error)}") from error
    except ValueError as error:  # of TOML or of JSON
        raise PolicyFileError(
            f"{path}: found no {path.suffix.lstrip('.') or 'toml'} that can be read ({error})"
        ) from error


def shipped(name: str, kind: type[Policy]) -> Policy:
    """A policy that comes with the program, by the name of its file."""
    return kind.model_validate(tomllib.loads(files(__name__).joinpath(name).read_text(encoding="utf-8")))


def _json(text: str) -> Any:
    import json

    return json.loads(text)


def _told(error: ValidationError) -> str:
    told = (
        f"{'.'.join(str(each) for each in one['loc']) or 'as a whole'}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors()
    )
    return "; ".join(told)
