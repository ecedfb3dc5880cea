"""Settings turned into the parts that work with them: the log, the database, the object store, the topics."""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Self

from sqlalchemy import Engine

from events.topics import Topics
from projectors.database import make_engine
from service.settings import Settings
from service.stack import local
from service.stack.endpoints import Endpoints

if TYPE_CHECKING:
    # Each takes a quarter of a second to load, and most commands need only one of them.
    from globus_sdk import TransferClient

    from consumers.storage import Storage
    from events.kafka_log import KafkaLog

__all__ = ["Wiring"]


@dataclass
class Wiring:
    """The servers of one site, and how our parts are made from them. Making one connects to nothing."""

    settings: Settings
    endpoints: Endpoints
    program: str
    topics: Topics = field(init=False)

    def __post_init__(self) -> None:
        self.topics = Topics(self.settings.site)

    @classmethod
    def of(cls, settings: Settings, *, program: str) -> Self:
        """By the settings, else by the local stack; raises StackError where neither tells where the servers are."""
        return cls(settings, local.endpoints(settings), program)

    @property
    def name(self) -> str:
        """What servers see as our name."""
        return f"meridian-{self.program}"

    def log(
        self, *, patience_s: float = 10.0, stop: threading.Event | None = None, deep: bool = False
    ) -> "KafkaLog":
        """The log on Kafka; once ``stop`` is set, a broker that is away is not waited for.

        ``deep``: it is read one partition after another, as far as a fetch goes.
        """
        from events.kafka_log import KafkaLog

        return KafkaLog(
            self.endpoints.kafka, client_id=self.name, patience_s=patience_s, stop=stop, deep=deep
        )

    def engine(
        self,
        *,
        statement_timeout_s: float | None = None,
        idle_in_transaction_s: float | None = None,
        pool_size: int = 5,
    ) -> Engine:
        """An engine of its own; make it after a fork, never before."""
        return make_engine(
            self.endpoints.database,
            self.name,
            statement_timeout_s=statement_timeout_s,
            idle_in_transaction_s=idle_in_transaction_s,
            pool_size=pool_size,
        )

    def storage(self) -> "Storage":
        """The object store."""
        from consumers.storage import MIB, Storage

        s3 = self.endpoints.s3
        return Storage(
            endpoint=s3.endpoint,
            access_key=s3.access_key,
            secret_key=s3.secret_key,
            region=s3.region,
            multipart_bytes=self.settings.s3_parts_above_mib * MIB,
        )

    def globus(self) -> "TransferClient | None":
        """Globus's transfer service, where the site is registered there as an application."""
        identity, secret = self.settings.globus_client_id, self.settings.globus_client_secret
        if identity is None or secret is None:
            return None
        from consumers.globus import transfer_client

        return transfer_client(identity, secret.get_secret_value())

    @cached_property
    def bucket(self) -> str:
        """The archive's bucket."""
        return self.settings.s3_bucket
