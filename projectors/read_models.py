"""The tables that are folded from the ledger, as a set: the live one, or the same beside it in another schema."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from sqlalchemy import MetaData, Table

from projectors import PROJECTIONS
from projectors.database import metadata
from projectors.ledger import ledger
from projectors.positions import position
from projectors.projection import Projection
from projectors.tainted import tainted

__all__ = ["LIVE", "READ_MODELS", "ReadModels", "beside"]

READ_MODELS = (ledger.name, *(each.name for each in PROJECTIONS), tainted.name)
"""The names of all tables that are folded from the ledger."""


@dataclass(frozen=True, slots=True)
class ReadModels:
    """One schema's tables. ``names``: those that are kept there; what is not kept is folded all the same, unwritten.

    Folding all of them is what puts the same subjects into quarantine, whatever is kept.
    """

    schema: str
    projections: tuple[Projection, ...]
    ledger: Table
    tainted: Table
    position: Table
    names: frozenset[str]

    def only(self, projections: Iterable[Projection]) -> Self:
        """The same with these projections in place of all."""
        chosen = tuple(projections)
        return replace(self, projections=chosen, names=self.names | {each.name for each in chosen})

    @property
    def keeps_ledger(self) -> bool:
        """All records are in here too."""
        return self.ledger.name in self.names

    @property
    def tables(self) -> list[Table]:
        """Those that are kept, and always the quarantine and the positions."""
        folded = [self.ledger, *(each.table for each in self.projections)]
        return [*(each for each in folded if each.name in self.names), self.tainted, self.position]

    def table(self, name: str) -> Table:
        """One of them by its name."""
        return next(each for each in self.tables if each.name == name)


LIVE = ReadModels("projection", PROJECTIONS, ledger, tainted, position, frozenset(READ_MODELS))
"""What people query."""


def beside(schema: str, names: Sequence[str] = READ_MODELS) -> ReadModels:
    """The same tables in another schema; ``names``: which of them are kept there."""
    elsewhere = MetaData(naming_convention=metadata.naming_convention)
    return ReadModels(
        schema,
        tuple(each.within(schema, elsewhere) for each in PROJECTIONS),
        ledger.to_metadata(elsewhere, schema=schema),
        tainted.to_metadata(elsewhere, schema=schema),
        position.to_metadata(elsewhere, schema=schema),
        frozenset(names),
    )
