"""A site of which there are views alone: what desks have decided is projected, and the command line reads it."""

from pathlib import Path

import pytest

from projectors.database import make_engine
from tests.projectors.histories import Desks
from tests.projectors.projected import project

__all__ = ["show"]


def show(desks: Desks, postgres: str, environment: pytest.MonkeyPatch, folder: Path) -> None:
    """Fill the views of this database, and have the settings name it; no other server is there."""
    engine = make_engine(postgres, "test", pool_size=2)
    project(engine, desks.sealed)
    engine.dispose()
    told = {
        "KAFKA": "127.0.0.1:9",
        "S3_ENDPOINT": "http://127.0.0.1:9",
        "S3_ACCESS_KEY": "a",
        "S3_SECRET_KEY": "b",
    }
    for name, value in {"DATABASE": postgres, "DATA": str(folder), **told}.items():
        environment.setenv(f"MERIDIAN_{name}", value)
