"""Observing programs for tests of work: stories on the real machine, each record's obligations, datasets that pass."""

from dataclasses import dataclass
from typing import Any

from consumers.obligations import obligations
from consumers.owed import Obligation
from events.envelope import Record
from events.op_parts import Cover, Dataset
from machines.desk import Desk
from machines.op import OP
from machines.program.dataset import flat, significant_digest
from tests.machines.given import Story

OP_ID, VISP, VBI = "eid_1_118", "id.118.visp", "id.118.vbi"
UNTIL = "2027-11-21T05:00:00Z"

GOOD = {
    "health.good": 100,
    "gos.open": 100,
    "ao_locked": 90,
    "stokes": "IQUV",
    "bounding_box": (-100.0, -100.0, 100.0, 100.0),
    "wavelength_min_nm": 630.0,
    "wavelength_max_nm": 630.6,
}


def dataset(name: str = "AAAA", program: str = VISP, instrument: str = "VISP", **members: Any) -> Dataset:
    """A dataset that meets every criterion, but for ``values`` that say otherwise."""
    values = {**GOOD, **members.pop("values", {})}
    told = {
        "frames": 100,
        "started_at": "2026-11-01T20:00:00Z",
        "created_at": "2026-11-02T00:00:00Z",
        **members,
    }
    made = Dataset(
        dataset=name, program=program, instrument=instrument, digest="0" * 32, values=values, **told
    )
    return made.model_copy(update={"digest": significant_digest(flat(made), values.keys())})


def wire(*datasets: Dataset) -> list[dict[str, Any]]:
    """As a request has them."""
    return [each.model_dump(mode="json", exclude_none=True) for each in datasets]


def cover(*datasets: Dataset) -> dict[str, Any]:
    """Exactly these datasets."""
    return Cover.of((each.dataset, each.digest) for each in datasets).model_dump()


@dataclass
class OpStory(Story):
    """One observing program's life on the real desk."""

    machine: str = "op"
    subject: str = OP_ID

    def __post_init__(self) -> None:
        self.desk = Desk(OP, site="test")
        self.state = self.desk.new()

    def told(self, request: str, data: dict[str, Any] | None = None, **extensions: Any) -> Record:
        """The fact that came of it; a refusal fails the test."""
        record = self.ask(request, data, **extensions)
        assert not record.is_refusal, record.data
        return record

    def discover(self, *datasets: Dataset) -> Record:
        """Seen by a scan."""
        return self.told(
            "discover", {"source": "catalogue", "proposal": "pid_1_1", "datasets": wire(*datasets)}
        )

    def close(self, *datasets: Dataset, program: str = VISP) -> Record:
        """Closed by a manifest."""
        return self.told("ready", {"program": program, "by": "manifest", "cover": cover(*datasets)})


def owed(record: Record, kind: type[Obligation]) -> list[Any]:
    """The record's obligations of one kind."""
    return [each for each in obligations(record) if isinstance(each, kind)]
