"""One record of a metadata catalogue as a dataset: what it says in typed members, and what is wrong with it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from consumers.catalogue.entry import Entry
from consumers.catalogue.record_fields import Fields, Problem
from events.op_parts import Dataset, Value
from machines.program.dataset import UNASSIGNED, UNKNOWN, digests

__all__ = ["Problem", "Reading", "read_record"]

HEALTH = ("good", "bad", "ill", "unknown")
GOS = ("open", "closed", "closing", "opening", "undefined")
SPREAD = ("min", "p25", "med", "p75", "max")
_PATHS = {
    (group, name): f"{group}.{name}"
    for group, names in (("health", HEALTH), ("gos", GOS), ("light_level", SPREAD),
                         ("polarimetric_accuracy", SPREAD), ("fried_m", SPREAD))
    for name in names
}  # fmt: skip
_LISTED = 32

Members = dict[str, Any]


class Reading(NamedTuple):
    """What became of a record. ``entry`` None: it can't be said which dataset of which OP it is about."""

    entry: Entry | None
    op_id: str | None
    dataset_id: str | None
    problems: tuple[Problem, ...]
    experiment: str | None = None
    proposal: str | None = None

    @property
    def dataset(self) -> Dataset | None:
        """The dataset itself."""
        return None if self.entry is None else self.entry.read()


def read_record(raw: Any, significant: Collection[str] = (), *, at: str = "") -> Reading:
    """Read a dataset inventory record as the DKIST metadata store answers it; never raises.

    ``significant`` are the paths that the criteria read; they make the dataset's digest. ``at`` is the record's own
    place in the catalogue, for a record that names nothing. Times without an offset are UTC. A member that is
    missing, wrong or contradicted by another one is not said, and a problem tells why.
    """
    if not isinstance(raw, Mapping):
        problem = Problem.of(at or "record", raw, "an object with the members of a dataset")
        return Reading(None, None, None, (problem,))
    fields = Fields(raw)
    dataset_id, op_id = fields.name("datasetId"), fields.name("observingProgramExecutionId")
    if dataset_id is None or op_id is None:
        return Reading(None, op_id, dataset_id, tuple(fields.problems))
    said, values = _said(fields)
    problems = tuple(fields.problems)
    entry = _entry(op_id, dataset_id, said, values, problems, significant)
    experiment, proposal = values.get("experiment"), values.get("proposal")
    return Reading(entry, op_id, dataset_id, problems, experiment, proposal)


def _entry(
    op_id: str,
    dataset_id: str,
    said: Members,
    values: Members,
    problems: tuple[Problem, ...],
    significant: Collection[str],
) -> Entry:
    """The dataset in the words of ``Dataset``, without its class: every member has been looked at already."""
    parts = [each.written() for each in problems[:_LISTED]]
    told = [(each["path"], each["found"], each["wanted"]) for each in parts]
    digest, whole = digests({**said, **values}, told, significant)
    dataset = {"dataset": dataset_id, **said, "digest": digest, "values": values, "problems": parts}
    return Entry(op_id, dataset_id, said["program"], digest, whole, orjson.dumps(dataset))


def _said(fields: Fields) -> tuple[Members, Members]:
    """Members that every dataset has, and its metrics; what is not said is left out of both."""
    frames = fields.count("frameCount", at_least=1)
    created, updated = fields.moment("createDate"), fields.moment("updateDate")
    fields.in_order("createDate", created, "updateDate", updated)
    started, ended = fields.moment("startTime"), fields.moment("endTime")
    fields.in_order("startTime", started, "endTime", ended)
    embargoed = fields.flag("isEmbargoed")
    values = {**_identity(fields, updated), **_optics(fields), **_conditions(fields, frames)}
    said = {
        "program": fields.name("instrumentProgramExecutionId") or UNASSIGNED,
        "instrument": fields.name("instrumentName") or UNKNOWN,
        "frames": frames,
        "created_at": _written(created),
        "started_at": _written(started),
        "ended_at": _written(ended),
        # What nobody calls free is kept from the public.
        "is_embargoed": embargoed is not False,
        "embargo_until": _written(fields.moment("embargoEndDate", may_be_null=True)),
    }
    return _without_none(said), _without_none(values)


def _without_none(members: Members) -> Members:
    return {path: value for path, value in members.items() if value is not None}


def _written(moment: datetime | None) -> str | None:
    """As facts have times."""
    return None if moment is None else f"{moment.isoformat()}Z"


def _identity(fields: Fields, updated: datetime | None) -> dict[str, Value]:
    return {
        "updated_at": _written(updated),
        "experiment": fields.name("primaryExperimentId"),
        "proposal": fields.name("primaryProposalId"),
        "header_version": fields.name("headerVersion", may_be_null=True),
        "size_gib": fields.number("datasetSize", at_least=0),
        "exposure_ms": fields.number("exposureTime", at_least=0),
    }


def _optics(fields: Fields) -> dict[str, Value]:
    shortest = fields.number("wavelengthMin", above=0)
    longest = fields.number("wavelengthMax", above=0)
    if shortest is not None and longest is not None and shortest > longest:
        fields.wrong("wavelengthMin", shortest, f"at most wavelengthMax, which is {longest:g}")
        shortest = longest = None
    return {
        "bounding_box": fields.box("boundingBox"),
        "stokes": fields.name("stokesParameters"),
        "wavelength_min_nm": shortest,
        "wavelength_max_nm": longest,
    }


def _conditions(fields: Fields, frames: int | None) -> dict[str, Value]:
    groups: dict[str, Mapping[str, float | None] | None] = {
        "health": fields.counters("health", HEALTH, frames),
        "gos": fields.counters("gosStatus", GOS, frames),
        "light_level": fields.spread("lightLevel", SPREAD),
        "polarimetric_accuracy": fields.spread("polarimetricAccuracy", SPREAD, may_be_null=True),
        "fried_m": fields.spread("friedParameter", SPREAD, may_be_null=True),
    }
    locked = fields.count("aoLocked", at_least=0, at_most=frames)
    named = {
        _PATHS[group, name]: each for group, found in groups.items() if found for name, each in found.items()
    }
    return {"ao_locked": locked, **named}
