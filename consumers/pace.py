"""How much a worker does at once, and how long it waits in between."""

from dataclasses import dataclass

__all__ = ["Pace"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a worker does at once, and how it holds on to what it has."""

    threads: int = 64
    """Small files at once: what all of them report and ask for goes together, and many together cost little each. A
    thread waits most of its time for that; with half as many two cores were a fifth of theirs without work."""
    large_at_once: int = 2
    behind_at_once: int = 1
    """Files of streams that go behind others (``consumers/trust.py``), while others have work."""
    lease_s: float = 15.0
    look_s: float = 1.0
    """A look for work without having been called: back-offs end without a notice."""
    batch: int = 500
    """Light items claimed at once; what is done for all of them together takes a second or two at most."""
    rows: int = 200
    """Rows of registers claimed at once."""
    apart_s: float = 0.05
    """Claims of a kind begin so long after one another: meanwhile more come together."""
    crowded_apart_s: float = 0.25
    """The same while several items are under way: nobody waits for the next, and a claim costs the same for many."""
    gathered_s: float = 0.25
    """After reports of several threads went together, so long the next are gathered; one alone goes at once."""
    grace_s: float = 5.0
    """What is under way when the worker stops may take so long; then it is handed back, well before ten seconds."""

    @property
    def ahead(self) -> int:
        """Items claimed beyond those under way, so that a thread never waits for a claim."""
        return max(1, self.threads // 2)

    @property
    def behind_alone(self) -> int:
        """The same while others have none: what comes from others then finds threads that are free."""
        return max(1, self.threads // 2)

    def pause_s(self, under_way: int) -> float:
        """How long after one another claims begin, with so many items under way."""
        return self.crowded_apart_s if under_way >= max(2, self.threads // 4) else self.apart_s
