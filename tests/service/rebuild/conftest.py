"""A site with a ledger, and a projector on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from projectors.database import make_engine
from service.settings import load
from service.wiring import Wiring
from tests.service.rebuild.a_ledger import Ledger


@pytest.fixture
def ledger(monkeypatch, tmp_path: Path, site, kafka, postgres) -> Iterator[Ledger]:
    told = {"SITE": site, "KAFKA": kafka, "DATABASE": postgres, "DATA": str(tmp_path)}
    told |= {"S3_ENDPOINT": "http://127.0.0.1:9", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b"}
    for name, value in told.items():
        monkeypatch.setenv(f"MERIDIAN_{name}", value)
    wiring = Wiring.of(load(), program="test")
    made = Ledger(wiring, make_engine(postgres, "test", pool_size=10), wiring.log())
    made.begin()
    yield made
    made.stop()
    made.log.close()
    made.engine.dispose()
