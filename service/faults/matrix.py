"""Every cell of the matrix, row by row; and those of the design that have no code here, with the reason."""

from collections.abc import Iterable
from fnmatch import fnmatch

from service.faults import (
    cells_broker,
    cells_bytes,
    cells_cluster,
    cells_decider,
    cells_delivery,
    cells_fetch,
    cells_intake,
    cells_operations,
    cells_postgres,
    cells_programs,
    cells_projector,
    cells_restore,
    cells_versions,
    cells_worker,
)
from service.faults.cell import Cell

__all__ = ["CELLS", "chosen"]

CELLS: tuple[Cell, ...] = (
    *cells_decider.CELLS,
    *cells_projector.CELLS,
    *cells_worker.CELLS,
    *cells_programs.CELLS,
    *cells_fetch.CELLS,
    *cells_intake.CELLS,
    *cells_broker.CELLS,
    *cells_cluster.CELLS,
    *cells_postgres.CELLS,
    *cells_delivery.CELLS,
    *cells_bytes.CELLS,
    *cells_operations.CELLS,
    *cells_restore.CELLS,
    *cells_versions.CELLS,
)


def chosen(patterns: Iterable[str]) -> list[Cell]:
    """The cells that a pattern names, such as ``decider.*.kill``; all of them without a pattern."""
    wanted = list(patterns) or ["*"]
    return [cell for cell in CELLS if any(fnmatch(cell.name, each) for each in wanted)]
