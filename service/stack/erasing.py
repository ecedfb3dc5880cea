"""A folder that servers have worked in, erased."""

import shutil
import time
from pathlib import Path

__all__ = ["erased"]

_AGAIN_S = 0.1


def erased(folder: Path, *, within_s: float = 5.0) -> bool:
    """Erase a folder with all that is in it; whether nothing is left.

    A server that was ended while it started may have children that write a last file while the folder goes: it is
    tried again.
    """
    until = time.monotonic() + within_s
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and time.monotonic() < until:
        time.sleep(_AGAIN_S)
        shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
