"""A database with its tables, and followers of a log in memory on it."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from events.log import Log
from projectors.database import make_engine
from projectors.follower import Follower
from projectors.positions import position
from projectors.projector import MACHINES, Projector
from tests.projectors.histories import TOPICS

Following = Callable[..., Follower]


@pytest.fixture
def engine(postgres: str) -> Iterator[Engine]:
    engine = make_engine(postgres, "test", pool_size=10)
    yield engine
    engine.dispose()


@pytest.fixture
def following(engine: Engine) -> Iterator[Following]:
    """Makes followers on this test's database, and closes them."""
    made = []

    def follow(log: Log, *, apply=None, machines=MACHINES, **more) -> Follower:
        follower = Follower(
            log=log, topics=TOPICS, engine=engine, name="projector", machines=machines, apply=apply or Projector(),
            positions_table=position, **more,
        )  # fmt: skip
        made.append(follower)
        return follower

    yield follow
    for follower in made:
        follower.close()
