"""``meridian bench ingest``: whole files through the real stack, part by part, each in turns with its floor."""

import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from pathlib import Path

from service.bench.about import versions
from service.bench.audited import audited
from service.bench.figure import Figure, Result
from service.bench.ingest_ground import Ground, Order
from service.bench.ingest_hostile import hostile
from service.bench.ingest_parts import exposures, frames, romans
from service.bench.own_site import own_site
from service.client import Client
from service.settings import Settings

__all__ = ["PARTS", "Order", "bench_ingest"]

PARTS: Mapping[str, Callable[[Ground, Order], list[Figure]]] = {
    "frames": frames,
    "romans": romans,
    "exposures": exposures,
    "hostile": hostile,
}
"""What can be measured alone; ``hostile`` only with a folder of hostile files."""


def bench_ingest(
    settings: Settings, order: Order, *, parts: Collection[str], progress: Callable[[str], None]
) -> Result:
    """Each part on the same fresh site, and an audit of all of it at the end."""
    with own_site(settings, with_roles=True, progress=progress) as wiring:
        client = Client(wiring, actor="bench", reason="bench", source="bench")
        # Beside the site's own folder, so that files are moved in and not copied.
        with tempfile.TemporaryDirectory(prefix="landing-", dir=wiring.settings.data) as folder:
            ground = Ground(client, Path(folder), progress)
            try:
                figures = [figure for part in parts for figure in PARTS[part](ground, order)]
                found = versions(wiring.settings)
                progress("audit")
                audit = audited(wiring, effects=True)
            finally:
                client.close()
    for figure in figures:
        progress(figure.line())
    told = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(order).items()}
    return Result(figures, found, told | {"parts": list(parts)}, [audit])
