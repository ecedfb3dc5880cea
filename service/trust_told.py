"""Of ``status``, ``stream show`` and ``why``: which streams go behind others, why, and what ends that."""

from collections.abc import Mapping
from typing import Any

from consumers.trust import Trust, trust_in

__all__ = ["trust_of", "trust_told"]


def trust_of(stream: Mapping[str, Any]) -> Trust:
    """By the stream's policy and what its latest files were, as queries give them under ``trust``."""
    policy, latest = stream.get("trust") or (None, None)
    return trust_in(policy or {}, latest)


def trust_told(stream: Mapping[str, Any]) -> str:
    """One sentence, for its screen."""
    found = trust_of(stream)
    if found.why is not None:
        return f"goes behind other streams: {found.why}"
    counted = f", of its last {found.counted} files {found.bad} were bad" if found.counted else ""
    return f"trusted: goes behind no other stream{counted}"
