"""The topics of a site as they are found on the cluster."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.audit.kafka_reader import KafkaReader
from service.audit.reach import Place

__all__ = ["Topology"]


@dataclass(frozen=True)
class Topology:
    """Partitions by topic. Nothing but names is known beforehand."""

    site: str
    topics: dict[str, int]

    @classmethod
    def found(cls, reader: KafkaReader, site: str) -> "Topology":
        """What the cluster has of this site."""
        return cls(site, reader.partitions(f"{site}."))

    @property
    def machines(self) -> list[str]:
        """Machines that have a ledger."""
        named = (name.split(".") for name in self.topics if name.endswith(".events"))
        return sorted(parts[1] for parts in named if len(parts) == 3 and parts[1] not in {"inbox", "answers"})

    @property
    def ledgers(self) -> list[Place]:
        """Every partition of every ledger."""
        return self.places(self.ledger(machine) for machine in self.machines)

    @property
    def requests(self) -> list[Place]:
        """Every partition of every topic of requests."""
        return self.places(self.asked(machine) for machine in self.machines)

    @property
    def inboxes(self) -> list[Place]:
        """Every partition of every inbox."""
        return self.places(name for name in self.topics if name.startswith(f"{self.site}.inbox."))

    @property
    def answers(self) -> list[Place]:
        """Every partition that senders read answers on."""
        return self.places(name for name in self.topics if name.startswith(f"{self.site}.answers."))

    @property
    def deadletter(self) -> list[Place]:
        """Where dead letters are."""
        return self.places([f"{self.site}.deadletter"])

    def ledger(self, machine: str) -> str:
        """The topic of a machine's ledger."""
        return f"{self.site}.{machine}.events"

    def asked(self, machine: str) -> str:
        """The topic of a machine's requests."""
        return f"{self.site}.{machine}.requests"

    def machine_of(self, place: Place) -> str:
        """The machine that a ledger or a topic of requests belongs to."""
        return place.topic.split(".")[1]

    def places(self, topics: Iterable[str]) -> list[Place]:
        """Every partition of these topics, as far as there are any."""
        return [Place(topic, number) for topic in topics for number in range(self.topics.get(topic, 0))]
