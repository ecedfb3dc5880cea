"""Of which files a stream wants pictures: told with the report on the file, so that the fact obliges to one."""

from collections.abc import Mapping
from typing import Any

from consumers.effects.describing import purpose_of
from events.file import Brief
from events.stream import StreamConfiguration

__all__ = ["wants_preview"]

_IMAGES = frozenset({"application/fits", "application/x-asdf"})


def wants_preview(
    told: Mapping[str, Any], brief: Brief, configuration: StreamConfiguration, media_type: str
) -> bool | None:
    """Whether the stream wants a picture of a file that tells this of itself; None: no."""
    policy = configuration.previews
    is_wanted = (
        policy is not None
        and brief.role == "primary"
        and purpose_of(told, brief, configuration) in policy.purposes
        and media_type in _IMAGES
    )
    return True if is_wanted else None
