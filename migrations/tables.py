"""Every module that defines a table; loading this one fills ``metadata``."""

import consumers.breakers
import consumers.deadlines
import consumers.held
import consumers.work_items
import projectors
import projectors.decided
import projectors.ledger
import projectors.positions
import projectors.registers
import projectors.tainted
from projectors.database import metadata

__all__ = ["TABLE_MODULES", "metadata"]

TABLE_MODULES = (
    consumers.breakers,
    consumers.deadlines,
    consumers.held,
    consumers.work_items,
    projectors,
    projectors.decided,
    projectors.ledger,
    projectors.positions,
    projectors.registers,
    projectors.tainted,
)
