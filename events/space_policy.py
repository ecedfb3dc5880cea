"""How much room a stream's files may take beside the archive, and for how long, as part of its configuration."""

from typing import Literal

from pydantic import Field

from events.types import Part

__all__ = ["Quota", "SpacePolicy"]


class Quota(Part):
    """What is older, or beyond so many bytes (the oldest first), goes; None: no such limit."""

    max_age_days: float | None = Field(None, gt=0)
    max_bytes: int | None = Field(None, ge=0)
    down_to: float = Field(
        1.0,
        gt=0,
        le=1,
        description="once there is more than max_bytes, the oldest go until this part of it is left",
    )


class SpacePolicy(Part):
    """Without any limit nothing is ever removed by itself."""

    quarantine: Quota = Field(Quota(), description="originals of rejected versions")
    previews: Quota = Field(Quota(), description="pictures of files; they can be made again")
    sources: Literal["keep", "remove_when_complete"] = Field(
        "keep", description="removed only when the copy is proven and no warning is open"
    )
    sources_after_days: float = Field(1.0, ge=0, description="how long a version has to have been COMPLETE")
