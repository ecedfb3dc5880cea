"""Every module that defines a table; loading this one fills ``metadata``."""

from consumers import breakers, deadlines, dispatch, held, known_programs, trust, work_items, workers_seen
from projectors import (
    PROJECTIONS,
    decided,
    fold_version,
    ledger,
    passed_over,
    positions,
    rebuild_targets,
    registers,
    tainted,
)
from projectors.database import metadata

__all__ = ["TABLE_MODULES", "metadata"]

TABLE_MODULES = (
    breakers,
    deadlines,
    dispatch,
    held,
    known_programs,
    trust,
    work_items,
    workers_seen,
    decided,
    fold_version,
    ledger,
    passed_over,
    positions,
    rebuild_targets,
    registers,
    tainted,
    *PROJECTIONS,
)
