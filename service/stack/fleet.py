"""The three servers and our own roles, each made ready to run from what is wanted and what the data folder holds."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from service.stack import jars
from service.stack.account import choose_account
from service.stack.endpoints import S3Access
from service.stack.java import find_java
from service.stack.kafka_server import KafkaServer
from service.stack.place import Place
from service.stack.postgres_binaries import find_binaries, within_reach
from service.stack.postgres_home import note_of, settle
from service.stack.postgres_server import PostgresServer, database_url, major_of
from service.stack.s3_server import S3Server
from service.stack.server import Launch, Server
from service.stack.state import Role, Wanted

__all__ = ["PORTS", "RoleProgram", "local_environment", "maker"]

PORTS = {
    "kafka": "kafka",
    "postgres": "postgres",
    "s3": "s3",
    "kafka_controller": "kafka",
}  # and whose each is


class RoleProgram:
    """One of our own commands as a child; it is ready as soon as it runs."""

    version = ""

    def __init__(self, role: Role, environment: Mapping[str, str]) -> None:
        self.name = role.name
        self._role = role
        self._environment = environment

    def prepare(self) -> Launch:
        role = self._role
        return Launch(
            role.argv,
            environment={**self._environment, **role.environment},
            folder=role.folder,
            stop_limit_s=role.stop_limit_s,
            final_codes=frozenset({0, 2}),  # done, or wrongly asked
        )

    def is_ready(self) -> bool:
        return True

    def itself(self) -> Server:
        """The program, as what makes it."""
        return self


def maker(name: str, wanted: Wanted, place: Place, ports: Mapping[str, int]) -> Callable[[], Server]:
    """What makes the server ``name``; it may look around and take its time."""
    makers = {"kafka": _kafka, "postgres": _postgres, "s3": _s3}
    return partial(makers[name], wanted, place, ports)


def local_environment(servers: tuple[str, ...], place: Place, ports: Mapping[str, int]) -> dict[str, str]:
    """Settings that lead a role to the servers that run here; those that run elsewhere are not mentioned."""
    secret = place.credentials()
    found = {
        "kafka": lambda: {"MERIDIAN_KAFKA": f"127.0.0.1:{ports['kafka']}"},
        "postgres": lambda: {"MERIDIAN_DATABASE": database_url(ports["postgres"], secret.database_password)},
        "s3": lambda: {
            "MERIDIAN_S3_ENDPOINT": S3Server.endpoint_at(ports["s3"]),
            "MERIDIAN_S3_ACCESS_KEY": secret.s3_access_key,
            "MERIDIAN_S3_SECRET_KEY": secret.s3_secret_key,
        },
    }
    return {key: value for name in servers for key, value in found[name]().items()}


def _kafka(wanted: Wanted, place: Place, ports: Mapping[str, int]) -> Server:
    return KafkaServer(
        folder=place.folder("kafka"),
        java=find_java(wanted.java_home),
        jars=_jars("kafka", wanted, place),
        version=jars.version_of("kafka"),
        port=ports["kafka"],
        controller_port=ports["kafka_controller"],
    )


def _s3(wanted: Wanted, place: Place, ports: Mapping[str, int]) -> Server:
    secret = place.credentials()
    return S3Server(
        folder=place.folder("s3"),
        java=find_java(wanted.java_home),
        jar=_jars("s3proxy", wanted, place)[0],
        version=jars.version_of("s3proxy"),
        port=ports["s3"],
        access=S3Access(S3Server.endpoint_at(ports["s3"]), secret.s3_access_key, secret.s3_secret_key),
    )


def _postgres(wanted: Wanted, place: Place, ports: Mapping[str, int]) -> Server:
    existing = note_of(place) or place.root / "postgres"
    account = choose_account(existing / "data")
    home = settle(place, account)
    binaries = find_binaries(wanted.postgres_bin, major=major_of(home))
    return PostgresServer(
        home=home,
        binaries=within_reach(binaries, account),
        account=account,
        port=ports["postgres"],
        password=place.credentials().database_password,
    )


def _jars(server: str, wanted: Wanted, place: Place) -> list[Path]:
    return jars.fetch(jars.locked(server), jars.cache_folder(wanted.cache, place.root / "jars"))
