"""Databases and whole sites for tests of work."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from consumers.child import Inspector
from consumers.storage import Storage
from events.memory_log import MemoryLog
from events.topics import Topics
from projectors.database import make_engine
from tests.consumers.work_site import WorkSite


@pytest.fixture
def database(postgres: str) -> Iterator[Engine]:
    """An engine on a database of the test's own, with all tables."""
    engine = make_engine(postgres, "test", pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def inspector() -> Iterator[Inspector]:
    """Children that read files of any kind."""
    with Inspector(["any"]) as inspector:
        inspector.wait_ready()
        yield inspector


@pytest.fixture
def work_site(database: Engine, s3: Any, inspector: Inspector, tmp_path: Path, site: str) -> WorkSite:
    """A site with its servers, nothing running yet."""
    storage = Storage(
        endpoint=s3.endpoint, access_key=s3.access_key, secret_key=s3.secret_key, region=s3.region, attempts=1
    )
    return WorkSite(database, MemoryLog(), Topics(site), storage, s3.bucket, inspector, tmp_path)
