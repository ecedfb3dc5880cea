"""Lives of files as requests say them: many at once, each in its own order, with repeats and with what is refused.

They lie in a stream that no worker works on, so what becomes of them is the decider's and the followers' doing alone.
None of them claims to be in the archive.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from events.envelope import encode_request

__all__ = ["STREAM", "Lives", "Said"]

STREAM = "synthetic"
AT_ONCE = 150
REFUSED = 0.05
REPEATED = 0.03

_BEGIN = datetime(2026, 11, 21, tzinfo=UTC)
_FAILED = {"code": "STORE_SLOW", "failure_class": "transient", "message": "no answer in 30 s"}
_REJECTED = {"code": "WRONG_SHAPE", "message": "found 2 axes, wanted 3", "found": "2", "wanted": "3"}

_Step = tuple[str, dict[str, Any]]


class Said(NamedTuple):
    """A request as it goes out."""

    subject: str
    id: str
    value: bytes


class _Life:
    def __init__(self, number: int, dice: Random) -> None:
        self.subject = f"{STREAM}/r{number:09d}_{dice.getrandbits(24):06x}"
        self.attempt = 1
        self.steps = iter(_plan(number, dice))


class Lives:
    """Requests without end, the same for the same seed."""

    def __init__(self, *, seed: int) -> None:
        self._dice = Random(seed)  # noqa: S311 - a workload, not a secret
        self._count = 0
        self._lives: list[_Life] = []
        self._said: list[Said] = []

    def take(self, count: int) -> list[Said]:
        """The next requests; some stand in here twice, with the same id."""
        return [self._next() for _ in range(count)]

    def _next(self) -> Said:
        dice = self._dice
        if self._said and dice.random() < REPEATED:
            return dice.choice(self._said)
        while len(self._lives) < AT_ONCE:
            self._count += 1
            self._lives.append(_Life(self._count, dice))
        place = dice.randrange(len(self._lives))
        life = self._lives[place]
        if dice.random() < REFUSED:
            return self._remembered(self._request(life, "lift", {}))
        step = next(life.steps, None)
        if step is None:
            del self._lives[place]
            return self._next()
        return self._remembered(self._request(life, *step))

    def _remembered(self, said: Said) -> Said:
        self._said.append(said)
        if len(self._said) > 500:
            del self._said[:250]
        return said

    def _request(self, life: _Life, name: str, data: dict[str, Any]) -> Said:
        identifier = str(UUID(int=self._dice.getrandbits(128), version=4))
        life.attempt += name in {"retry", "reopen"}
        is_report = name in {"start", "fail", "reject", "validated"}
        where = {"version": 1, "attempt": life.attempt} if is_report else {}
        value = encode_request(
            id=identifier,
            type=f"file.{name}",
            subject=life.subject,
            actor="faults",
            source="faults",
            at=_BEGIN,
            data=data,
            reason="load",
            causationid=identifier,
            correlationid=life.subject,
            **where,
        )
        return Said(life.subject, identifier, value)


def _plan(number: int, dice: Random) -> Iterator[_Step]:
    """One file's life: arrived, tried a few times, and given up, rejected or left under way."""
    content = {"uri": f"s3://landing/{number}", "size_bytes": 100, "sha256": f"{number:064x}"}
    yield "arrive", {"content": content, "witness": f"inbox.faults/0/{number}", "stream_version": 1}
    for _ in range(dice.randrange(3)):
        yield from _aside(dice)
        yield "start", {"worker": "faults-1", "host": "faults", "software_version": "1"}
        yield "fail", _FAILED
        yield from _aside(dice)
        yield "retry", {}
    end = dice.randrange(4)
    if end == 0:
        yield "dismiss", {"code": "NOT_WANTED"}
        yield from _aside(dice)
        return
    yield "start", {"worker": "faults-1", "host": "faults", "software_version": "1"}
    if end == 1:
        yield "reject", _REJECTED
        yield "dismiss", {"code": "NOT_WANTED"}
        yield "reopen", {}
    elif end == 2:
        yield "validated", _validated(number)
    yield from _aside(dice)


def _aside(dice: Random) -> Iterator[_Step]:
    match dice.randrange(6):
        case 0:
            yield "note", {"text": f"seen at {dice.randrange(100)} m"}
        case 1:
            yield "hold", {}
            yield "unhold", {}
        case 2:
            yield "embargo", {"policy": "proprietary"}
            yield "lift", {}
        case 3:
            yield "acknowledge", {"codes": ["STORE_SLOW"]}


def _validated(number: int) -> dict[str, Any]:
    qa = [{"check": "structure", "level": "critical", "passed": True}]
    metadata = {"instrument": "WFI", "exposure_s": 139.8, "number": number}
    told = {
        "sha256": f"{number:064x}",
        "size_bytes": 100,
        "media_type": "application/fits",
        "checks_version": "1",
    }
    return {**told, "metadata": metadata, "qa": qa}
