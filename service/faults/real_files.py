"""Small real files on disk and what their sender says of them; now and then one that goes up in parts."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

from consumers.drafts import STRUCTURED
from events.log import Headers
from events.stream import Destination, RetryPolicy, StreamConfiguration

__all__ = ["SENDER", "STREAM", "Announced", "RealFiles", "stream_for"]

STREAM, SENDER = "real", "night"
LARGE_EVERY = 60
"""One file in so many is larger than one part of an upload."""
_LARGE_BLOCKS = 3300
_BLOCK = 2880


@dataclass(frozen=True, slots=True)
class Announced:
    """One file, and the message that says it is there."""

    subject: str
    event_id: str
    value: bytes
    headers: Headers = STRUCTURED


def stream_for(landing: Path) -> StreamConfiguration:
    """The stream of the real files: what fails for the moment is tried again soon."""
    return StreamConfiguration(
        stream=STREAM,
        senders=(SENDER,),
        roots=(f"file://{landing}/",),
        format="fits",
        destination=Destination(),
        retry=RetryPolicy(tries=100, first_s=1.0, factor=1.5, max_s=5.0),
    )


class RealFiles:
    """Writes files into a folder and words their announcements; the same for the same seed."""

    def __init__(self, landing: Path, *, seed: int) -> None:
        self._landing = landing
        self._dice = Random(seed)  # noqa: S311 - a workload, not a secret
        self._count = 0
        self.is_next_large = False
        """Set by whoever wants one now; the next one is, and it is unset."""

    def make(self) -> Announced:
        """The next file, on disk when this returns."""
        self._count += 1
        path = self._landing / f"n{self._count:06d}.fits"
        is_large = self.is_next_large or self._count % LARGE_EVERY == 0
        self.is_next_large = False
        blocks = _LARGE_BLOCKS if is_large else 1 + self._dice.randrange(20)
        fresh = path.with_suffix(".part")
        fresh.write_bytes(_fits(self._count, blocks))
        fresh.rename(path)
        event_id = str(UUID(int=self._dice.getrandbits(128), version=4))
        told = {"stream": STREAM, "uri": path.as_uri(), "size_bytes": path.stat().st_size}
        event = {"specversion": "1.0", "id": event_id, "source": SENDER, "type": "file.arrived", "data": told}
        return Announced(f"{STREAM}/{path.stem}", event_id, json.dumps(event).encode())


def _fits(number: int, blocks: int) -> bytes:
    """A one-dimensional image of bytes, as many 2880-byte blocks long."""
    size = blocks * _BLOCK
    cards = {"SIMPLE": "T", "BITPIX": "8", "NAXIS": "1", "NAXIS1": str(size), "EXPNUM": str(number)}
    header = "".join(f"{name:<8}= {value:>20}{'':50}" for name, value in cards.items()) + "END"
    return header.ljust(_BLOCK).encode() + (number.to_bytes(8, "big") * (size // 8))
