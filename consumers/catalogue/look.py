"""A look at a catalogue: what every source offers, and what a look could not see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

__all__ = ["GAPS_LISTED", "Gap", "Look", "Seen", "Source"]

GAPS_LISTED = 1000
"""A catalogue of which no record can be read has as many gaps as records."""


class Gap(NamedTuple):
    """A part of the catalogue that could not be seen: where, what was found there, what was wanted, what would help."""

    where: str
    found: str
    wanted: str
    help: str = "scan again"

    def __str__(self) -> str:
        return f"{self.where}: found {self.found}, wanted {self.wanted}; {self.help}"


class Seen(NamedTuple):
    """A record as it stands in the catalogue, and where. ``is_arriving``: its dataset is there, and not yet whole."""

    at: str
    raw: Any
    is_arriving: bool = False


@dataclass(slots=True)
class Look:
    """What a source fills in while it is read. Only a look without gaps can say that something is gone."""

    gaps: list[Gap] = field(default_factory=list)
    unlisted: int = 0
    """Gaps beyond those."""
    unchanged: bool = False
    """The catalogue says itself that it is as it was at the last look; nothing was read."""
    validators: dict[str, str] = field(default_factory=dict)
    """What to ask with next time, so that an unchanged catalogue need not be sent again: entity tags by address."""

    def missed(self, where: str, found: str, wanted: str, help_: str = "scan again") -> None:
        """Note a gap; the first thousand are kept."""
        if len(self.gaps) < GAPS_LISTED:
            self.gaps.append(Gap(where, found, wanted, help_))
        else:
            self.unlisted += 1

    @property
    def is_whole(self) -> bool:
        """Whether everything was seen."""
        return not self.gaps and not self.unchanged


class Source(Protocol):
    """A catalogue. Its records come one at a time, so that it may be of any length."""

    @property
    def name(self) -> str:
        """What people call it: a path, an address."""

    def records(self, look: Look) -> Iterator[Seen]:
        """All records; trouble with some of them goes into ``look`` and does not end the rest."""

    def again(self, dataset_ids: Sequence[str]) -> list[Seen] | None:
        """Ask for these by name, before they are called gone; None: this catalogue can't be asked so."""
