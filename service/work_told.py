"""What an attempt at a file cost and where it was made, for whoever suspects a machine, a version or a service."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["work_told"]

MIB = 1024**2
_MUCH = 0.5
"""Of its time: from this share on a service is named as what it waited for."""


def work_told(attempt: Mapping[str, Any] | None) -> Iterator[str]:
    """One sentence, a second about waiting, and where the log is; nothing of what nobody has begun."""
    if attempt is None or attempt.get("host") is None:
        return
    by = f", {attempt['software_version']}" if attempt.get("software_version") else ""
    told = [f"attempt {attempt['attempt']} was made on {attempt['host']}{by}"]
    if attempt.get("wall_s") is not None:
        told.append(f"{attempt['wall_s']:.1f} s, {attempt.get('cpu_s') or 0:.1f} s of CPU")
    if attempt.get("peak_rss_bytes"):
        told.append(f"{attempt['peak_rss_bytes'] / MIB:.0f} MiB at most")
    if attempt.get("exit") not in {None, "0"}:
        told.append(f"its reader ended with {attempt['exit']}")
    yield "; ".join(told)
    if (attempt.get("lookup_share") or 0) >= _MUCH:
        yield f"{attempt['lookup_s']:.1f} s of that it waited for an outside service"
    if attempt.get("log_object"):
        yield f"all of its log: {attempt['log_object']}"
    elif attempt.get("log_tail"):
        yield f"its log ends: {str(attempt['log_tail']).rstrip().splitlines()[-1][:200]}"
