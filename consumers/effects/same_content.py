"""The same bytes under two names: the first file to be read with them is found, by the stream's policy.

Bytes are asked for like an archive identity, so that of two files the second finds the first even where two workers
read them within the same moment.
"""

from collections.abc import Generator

from consumers.claims import WorkItem
from consumers.effects.asking import Ask
from consumers.effects.identity import asked_for
from consumers.failures import Failed
from consumers.tools import Tools
from events.file import Brief
from events.identity import Holder
from events.stream import StreamConfiguration
from events.types import WarningFinding

__all__ = ["content_identity", "look_for_twin"]

CODE = "SAME_CONTENT"


def content_identity(sha256: str) -> str:
    """Under which name these bytes are held."""
    return f"sha256:{sha256}"


def look_for_twin(
    item: WorkItem, tools: Tools, brief: Brief, configuration: StreamConfiguration, *, sha256: str
) -> Generator[Ask, None, tuple[WarningFinding, ...]]:
    """A warning where another file has these bytes. Raises Failed where the stream does not allow that, and Wait."""
    policy = brief.overrides.get("same_content") or configuration.same_content
    if policy == "allow":
        return ()
    identity = content_identity(sha256)
    mine = Holder(subject=item.subject, version=item.version or 1, sha256=sha256)
    outcome = yield from asked_for(item, tools, identity, mine)
    holder = (outcome.refusal or {}).get("holder") if not outcome.accepted else None
    if not isinstance(holder, dict):
        return ()
    found = f"{holder['subject']} version {holder['version']}"
    message = f"{found} has the same bytes (sha256 {sha256}) under another name"
    if policy == "conflict":
        raise Failed(
            CODE,
            "data",
            f"{message}; dismiss one of the two (file dismiss {item.subject}), or take both "
            f"(file reprocess {item.subject} --same-content allow)",
            found=found,
            wanted="bytes that no other file has",
            evidence={"archive_identity": identity, "holder": holder, "sha256": sha256},
        )
    return (
        WarningFinding(code=CODE, message=message, found=found[:200], wanted="bytes that no other file has"),
    )
