"""What the tests of commands ask for: a site on servers of its own corner, and the words typed at it."""

from collections.abc import Callable

import pytest

from tests.service.cli.a_site import a_site
from tests.service.cli.command_line import Said, meridian


@pytest.fixture
def site_running(monkeypatch, tmp_path, site, kafka, postgres):
    with a_site(monkeypatch, tmp_path, site=site, kafka=kafka, postgres=postgres) as running:
        yield running


@pytest.fixture
def typed(capsys) -> Callable[..., Said]:
    return lambda *arguments: meridian(capsys, *arguments)
