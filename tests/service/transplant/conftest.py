"""A site with a past, and an empty database beside its own."""

from collections.abc import Callable, Iterator

import pytest

from tests import databases
from tests.service.cli.command_line import Said, meridian
from tests.service.transplant.two_sites import Past, a_past


@pytest.fixture
def past(monkeypatch, tmp_path, site, kafka, postgres) -> Iterator[Past]:
    with a_past(monkeypatch, tmp_path, site=site, kafka=kafka, postgres=postgres) as made:
        yield made


@pytest.fixture
def fresh_postgres(servers, pytestconfig, postgres):
    """The address of another database, with all tables and nothing in them."""
    del postgres  # has made the template
    from tests.conftest import _session

    with databases.migrated(servers.database, pytestconfig.stash[_session].folder) as address:
        yield address


@pytest.fixture
def typed(capsys) -> Callable[..., Said]:
    return lambda *arguments: meridian(capsys, *arguments)
