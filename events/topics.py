"""The names of the topics of a site."""

from dataclasses import dataclass

__all__ = ["MACHINES", "Topics"]

MACHINES = ("file", "group", "identity", "op", "stream")


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of one site; requests and events of one machine have equally many partitions and the same key."""

    site: str = "meridian"

    def requests(self, machine: str) -> str:
        """Where trusted parts ask."""
        return f"{self.site}.{machine}.requests"

    def events(self, machine: str) -> str:
        """The ledger; only the decider writes here."""
        return f"{self.site}.{machine}.events"

    def decider(self, machine: str) -> str:
        """The group under which the decider's transactions commit how far it has come in the requests."""
        return f"{self.site}.{machine}.decider"

    def inbox(self, sender: str) -> str:
        """Where one sender of the outside writes, and nobody else."""
        return f"{self.site}.inbox.{sender}"

    def answers(self, sender: str) -> str:
        """Where a sender reads what became of its messages."""
        return f"{self.site}.answers.{sender}"

    @property
    def inbox_prefix(self) -> str:
        """What every inbox's name begins with."""
        return f"{self.site}.inbox."

    @property
    def deadletter(self) -> str:
        """Input that could not be taken: raw bytes as value, origin and reason in headers."""
        return f"{self.site}.deadletter"
