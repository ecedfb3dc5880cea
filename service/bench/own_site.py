"""A site of the bench's own: servers in a temporary folder, erased afterwards."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from service.settings import Settings
from service.site import bring_up
from service.stack import local
from service.wiring import Wiring

__all__ = ["own_site"]

ELSEWHERE = ("kafka", "database", "s3_endpoint", "s3_access_key", "s3_secret_key")


@contextmanager
def own_site(settings: Settings, *, with_roles: bool, progress: Callable[[str], None]) -> Iterator[Wiring]:
    """Bring up a fresh site, with or without the roles beside the servers.

    It ends with this process, however that ends.
    """
    with tempfile.TemporaryDirectory(prefix="meridian-bench-") as folder:
        Path(folder).chmod(0o755)
        own = settings.model_copy(
            update={"data": Path(folder) / "data", "site": "bench", "s3_bucket": "bench-archive"}
            | dict.fromkeys(ELSEWHERE)
        )
        try:
            yield bring_up(own, with_roles=with_roles, progress=progress, owner=os.getpid())
        finally:
            local.down(own, erase=True)
