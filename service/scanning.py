"""A scan of a catalogue against the ledger: what is known, once the views have read it, and asking for what differs."""

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from consumers.catalogue.catalogue_file import CatalogueFile
from consumers.catalogue.file_view import FileView
from consumers.catalogue.frames_sql import frames_of
from consumers.catalogue.graphql import GraphqlCatalogue, HttpDocument
from consumers.catalogue.http_answers import Patience
from consumers.catalogue.known_sql import known_datasets
from consumers.catalogue.look import Source
from consumers.catalogue.op_change import ScanRequest, requests_of
from consumers.catalogue.scan import Known, Scan
from events.log import Place
from projectors.standing import freshness
from service.client import Ask, Asked, Client, NotReadyError

__all__ = [
    "NoSourceError",
    "asks_of",
    "await_views",
    "frames_source",
    "known",
    "ledger_ends",
    "record",
    "source_of",
]

VIEWS_WITHIN_S = 60.0
_AGAIN_S = 0.2
_REQUESTS_AT_ONCE, _DATASETS_AT_ONCE = 1000, 4000
"""What is asked and waited for together, some 5 MB: a request may have 200 datasets, and most have four."""

_ANSWER_WITHIN_S = 60.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class NoSourceError(Exception):
    """What was named is no catalogue that can be read; the message says what would be one."""


def source_of(
    name: str,
    *,
    page_size: int | None = None,
    is_document: bool = False,
    validators: Mapping[str, str] | None = None,
    token: str | None = None,
    timeout_s: float | None = None,
) -> Source:
    """The catalogue that is meant: a file, or an address that answers queries or gives one document.

    ``validators``: what the address said of its answers when it was last read whole. ``token``: shown to its server;
    ``timeout_s``: how long it may be silent.
    """
    parts = urlsplit(name)
    if parts.scheme not in {"http", "https"}:
        if token is not None or timeout_s is not None:
            raise NoSourceError(f"{name} is a file: it takes neither a token nor a time-out")
        # From wherever it is named, the same file is the same source.
        return CatalogueFile(Path(name).absolute())
    if "@" in parts.netloc:
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise NoSourceError(f"found a user's name in the address {shown}, wanted none: it would be recorded")
    if token is not None and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise NoSourceError(
            f"found a token for {name}, which anybody on the way could read; wanted an https address"
        )
    more: dict[str, Any] = {
        "validators": validators,
        "headers": {"Authorization": f"Bearer {token}"} if token is not None else None,
        "patience": None if timeout_s is None else Patience(read_s=timeout_s, connect_s=min(timeout_s, 10.0)),
    }
    if is_document:
        return HttpDocument(name, **more)
    return GraphqlCatalogue(name, page_size=page_size, **more)


def frames_source(client: Client, stream: str) -> Source:
    """Our own files of this stream as a catalogue, once the views have them all."""
    await_views(client, "file")
    await_views(client, "group")
    return FileView(frames_of(client.engine, stream), name=f"frames of {stream}")


def known(client: Client) -> Iterator[Known]:
    """What the ledger knows now. Raises NotReadyError where the views do not catch up with it."""
    await_views(client, "op")
    with client.engine.connect() as connection:
        yield from known_datasets(connection)


def asks_of(found: Scan, *, criteria_version: int) -> Iterator[Ask]:
    """Everything that there is to ask, OP by OP."""
    for change in found.changes():
        for request in requests_of(change, source=found.source, criteria_version=criteria_version):
            yield Ask(change.op_id, request)


def record(client: Client, asks: Iterable[Ask], *, batch: str) -> Iterator[Asked]:
    """Ask, some thousand at a time, the next while those before are decided.

    Sends nothing more once something is in doubt.
    """
    sent: list[Ask] = []
    for lot in chain(_lots(asks), [[]]):
        if lot:
            client.send(lot, batch=batch)
        asked = client.answers(sent, batch=batch, timeout_s=_ANSWER_WITHIN_S)
        yield from asked
        if any(each.outcome is None for each in asked):
            yield from client.answers(lot, batch=batch, timeout_s=0.0)
            return
        sent = lot


def _lots(asks: Iterable[Ask]) -> Iterator[list[Ask]]:
    lot: list[Ask] = []
    datasets = 0
    for ask in asks:
        own = ask.request.datasets if isinstance(ask.request, ScanRequest) else 0
        if lot and (len(lot) == _REQUESTS_AT_ONCE or datasets + own > _DATASETS_AT_ONCE):
            yield lot
            lot, datasets = [], 0
        lot.append(ask)
        datasets += own
    if lot:
        yield lot


def await_views(client: Client, machine: str) -> None:
    """Until the views have read this machine's ledger as far as it goes now. Raises NotReadyError.

    A scan held against views that lag behind would ask for what is recorded already.
    """
    ends = ledger_ends(client, machine)
    until = time.monotonic() + VIEWS_WITHIN_S
    while behind := _behind(client, machine, ends):
        if time.monotonic() > until:
            raise NotReadyError(
                f"found views that are {behind} records behind, wanted all of them: see meridian status whether a "
                "projector runs, then ask again"
            )
        time.sleep(_AGAIN_S)


def ledger_ends(client: Client, machine: str) -> dict[int, int]:
    """Where each partition of the machine's ledger ends now."""
    topic = client.wiring.topics.events(machine)
    reader = client.log.reader()
    try:
        count = client.log.partitions([topic]).get(topic, 0)
        return {number: reader.end(Place(topic, number)) for number in range(count)}
    finally:
        reader.close()


def _behind(client: Client, machine: str, ends: dict[int, int]) -> int:
    with client.engine.connect() as connection:
        read = {
            each.partition: each.next_offset
            for each in freshness(connection)
            if each.machine == machine and each.follower == "projector"
        }
    return sum(max(0, end - read.get(number, 0)) for number, end in ends.items())
