"""What every test may ask for: real servers, and on each of them a corner of its own."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import pytest

from service.settings import SettingsError
from service.stack import Endpoints, StackError
from tests import databases, leftovers
from tests.servers import ServerSession, Started

# How long an example takes says how busy the machine is, not whether a law holds.
hypothesis.settings.register_profile("meridian", deadline=None)
hypothesis.settings.load_profile("meridian")

SERVERS = {"started", "servers", "kafka", "postgres", "empty_postgres", "s3"}
_session = pytest.StashKey[ServerSession]()


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process begins the session; workers get to know it from there."""
    given = getattr(config, "workerinput", None)
    if given is None:
        config.stash[_session] = ServerSession.begun()
    else:
        config.stash[_session] = ServerSession(Path(given["servers_folder"]), owner=given["servers_owner"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tells a worker where the session's servers are noted."""
    session = node.config.stash[_session]
    node.workerinput["servers_folder"] = str(session.folder)
    node.workerinput["servers_owner"] = session.owner


def pytest_report_header(config: pytest.Config) -> str:
    try:
        return f"servers: {config.stash[_session].choice()}"
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for a server is marked by that."""
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and _session in config.stash:
        config.stash[_session].end()


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    for line in config.stash[_session].said():
        terminalreporter.write_line(f"servers: {line}")


@dataclass(frozen=True)
class Bucket:
    """A bucket of one test's own, and the server it is on."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str
    bucket: str


@pytest.fixture(scope="session")
def started(pytestconfig: pytest.Config) -> Started:
    """All servers, answering; without them the test fails with the reason."""
    try:
        return pytestconfig.stash[_session].started()
    except StackError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def servers(started: Started) -> Endpoints:
    """Where all servers are."""
    return started.endpoints


@pytest.fixture
def site() -> str:
    """A site's name that no other test has: the prefix of its topics."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
def kafka(started: Started, site: str):
    """Kafka's brokers; topics of the test's site are removed afterwards, where they would stay for others to see."""
    yield started.endpoints.kafka
    if "kafka" not in started.throwaway:
        leftovers.remove_topics(started.endpoints.kafka, prefix=f"{site}.")


@pytest.fixture
def postgres(servers: Endpoints, pytestconfig: pytest.Config):
    """The address of a database of the test's own, migrated to head, for SQLAlchemy."""
    with databases.migrated(servers.database, pytestconfig.stash[_session].folder) as address:
        yield address


@pytest.fixture
def empty_postgres(servers: Endpoints):
    """The address of a database of the test's own with nothing in it."""
    with databases.empty(servers.database) as address:
        yield address


@pytest.fixture
def s3(started: Started):
    """A fresh, empty bucket and how to reach it."""
    access = started.endpoints.s3
    name = f"t-{uuid.uuid4().hex[:12]}"
    leftovers.make_bucket(access, name)
    yield Bucket(access.endpoint, access.access_key, access.secret_key, access.region, name)
    if "s3" not in started.throwaway:
        leftovers.remove_bucket(access, name)
