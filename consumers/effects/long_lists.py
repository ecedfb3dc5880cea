"""Lists of sums that are too long for one record: told to the files that they name part by part, before their copy.

A shorter one stands whole in the fact that it is valid, which obliges to tell each file (``manifest_obligations``).
"""

import logging
from pathlib import Path

from consumers.arrival import logical_name
from consumers.claims import WorkItem
from consumers.effects.asking import Ask, Asks
from consumers.failures import from_reader
from consumers.formats import Expected
from consumers.formats.checksum_table import MAX_REPORTED_BYTES
from consumers.tools import Tools
from events.file import Brief
from events.file_manifest import AttestFile
from events.ids import derived_id
from events.stream import StreamConfiguration

__all__ = ["may_be_long", "tell_long_list"]

log = logging.getLogger(__name__)


def may_be_long(brief: Brief) -> bool:
    """Whether it is worth a look: letters that are not ASCII take up to three times as much in a record."""
    return brief.role == "manifest" and 4 * (brief.size_bytes or 0) > MAX_REPORTED_BYTES


def tell_long_list(
    item: WorkItem, tools: Tools, path: Path, brief: Brief, configuration: StreamConfiguration, name: str
) -> Asks:
    """A word to each file; its id is the same however often it is sent. Raises Failed. Never holds more than a part."""
    told = 0
    while True:
        expected = Expected(name=name, settings=configuration.settings, sums_from=told)
        result = tools.inspector.inspect(path, configuration.format_of(name), expected)
        found = result.inspection
        if found is None:
            raise from_reader(result.failure)
        if found.sha256 != brief.sha256 or not found.sums:
            return  # to the end; or it is not what was validated, which its copy finds out
        for listed, value in found.sums.items():
            ask = _word(item, configuration, listed, value)
            if ask is not None:
                yield ask
        told += len(found.sums)


def _word(item: WorkItem, configuration: StreamConfiguration, name: str, value: str) -> Ask | None:
    """None where no file of the stream can have that name: it must not stop the others."""
    try:
        request = AttestFile(
            manifest=item.subject.partition("/")[2],
            manifest_version=item.version or 1,
            algorithm="MD5" if len(value) == 32 else "SHA-256",
            sum=value,
        )
        subject = f"{item.stream}/{logical_name(name, configuration)}"
    except ValueError as error:
        log.warning(
            "a list names what is no file", extra={"subject": item.subject, "error": str(error)[:500]}
        )
        return None
    return Ask(request, item, derived_id(derived_id(item.cause, name), "attest"), subject)
