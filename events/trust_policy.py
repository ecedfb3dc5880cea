"""How a stream earns and loses trust by what its latest files turned out to be. Part of its configuration."""

from pydantic import Field

from events.types import Part

__all__ = ["LATEST_AT_MOST", "TrustPolicy"]

LATEST_AT_MOST = 100


class TrustPolicy(Part):
    """A stream that is not trusted goes behind those that are: few of its files at once, with little of the machine."""

    latest: int = Field(
        20,
        ge=1,
        le=LATEST_AT_MOST,
        description="so many of its files, the last ones looked into, are counted",
    )
    bad_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="trusted while no larger part of them was INVALID or cost its reader; 1: always trusted",
    )
