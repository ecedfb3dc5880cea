"""A list of records, projected whole into the views of a database."""

from collections.abc import Sequence

from sqlalchemy import Engine

from projectors.follower import Follower
from projectors.positions import position
from projectors.projector import MACHINES, Projector
from tests.projectors.histories import TOPICS, Sealed, on_log

__all__ = ["project"]


def project(engine: Engine, sealed: Sequence[Sealed]) -> None:
    """As a projector does that finds them on its log and nothing else."""
    follower = Follower(
        log=on_log(list(sealed)), topics=TOPICS, engine=engine, name="projector", machines=MACHINES,
        apply=Projector(), positions_table=position,
    )  # fmt: skip
    follower.take_over()
    while follower.step(0.0):
        pass
    follower.close()
