"""Where the servers are, whoever runs them."""

from dataclasses import dataclass, field

__all__ = ["SERVERS", "Endpoints", "S3Access"]

SERVERS = ("kafka", "postgres", "s3")


@dataclass(frozen=True, slots=True)
class S3Access:
    """An S3 server and how to sign in there."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Kafka's brokers, the database's address for SQLAlchemy, and the S3 server."""

    kafka: str
    database: str = field(repr=False)
    s3: S3Access

    def environment(self) -> dict[str, str]:
        """The same as settings, for a child process."""
        return {
            "MERIDIAN_KAFKA": self.kafka,
            "MERIDIAN_DATABASE": self.database,
            "MERIDIAN_S3_ENDPOINT": self.s3.endpoint,
            "MERIDIAN_S3_ACCESS_KEY": self.s3.access_key,
            "MERIDIAN_S3_SECRET_KEY": self.s3.secret_key,
            "MERIDIAN_S3_REGION": self.s3.region,
        }
