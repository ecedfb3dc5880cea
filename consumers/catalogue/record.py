"""One record of a metadata catalogue as a dataset: what it says in typed members, and what is wrong with it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from consumers.catalogue.record_fields import Fields, Problem
from events.op_parts import Dataset, Value
from machines.program.dataset import UNASSIGNED, UNKNOWN, flat, significant_digest

__all__ = ["Problem", "Reading", "read_record"]

HEALTH = ("good", "bad", "ill", "unknown")
GOS = ("open", "closed", "closing", "opening", "undefined")
SPREAD = ("min", "p25", "med", "p75", "max")
_UNMADE = "0" * 32


class Reading(NamedTuple):
    """What became of a record. ``dataset`` None: it can't be said which dataset of which OP it is about."""

    dataset: Dataset | None
    op_id: str | None
    dataset_id: str | None
    problems: tuple[Problem, ...]
    members: Mapping[str, Any] | None = None
    """Those of the dataset, by path."""


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
    read = _members(fields, dataset_id)
    listed = tuple(each.part() for each in fields.problems)[:32]
    unmade = Dataset(digest=_UNMADE, problems=listed, **read)
    members = flat(unmade)
    dataset = unmade.model_copy(update={"digest": significant_digest(members, significant)})
    return Reading(dataset, op_id, dataset_id, tuple(fields.problems), members)


def _members(fields: Fields, dataset_id: str) -> dict[str, Any]:
    frames = fields.count("frameCount", at_least=1)
    created, updated = fields.moment("createDate"), fields.moment("updateDate")
    fields.in_order("createDate", created, "updateDate", updated)
    started, ended = fields.moment("startTime"), fields.moment("endTime")
    fields.in_order("startTime", started, "endTime", ended)
    embargoed = fields.flag("isEmbargoed")
    values = {**_identity(fields, updated), **_optics(fields), **_conditions(fields, frames)}
    return {
        "dataset": dataset_id,
        "program": fields.name("instrumentProgramExecutionId") or UNASSIGNED,
        "instrument": fields.name("instrumentName") or UNKNOWN,
        "frames": frames,
        "created_at": created,
        "started_at": started,
        "ended_at": ended,
        # What nobody calls free is kept from the public.
        "is_embargoed": embargoed is not False,
        "embargo_until": fields.moment("embargoEndDate", may_be_null=True),
        "values": {path: value for path, value in values.items() if value is not None},
    }


def _identity(fields: Fields, updated: datetime | None) -> dict[str, Value]:
    return {
        "updated_at": updated.isoformat().replace("+00:00", "Z") if updated else None,
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
        f"{group}.{name}": each for group, found in groups.items() for name, each in (found or {}).items()
    }
    return {"ao_locked": locked, **named}
