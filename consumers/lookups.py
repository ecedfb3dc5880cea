"""Questions to an outside service that knows programs: remembered, put together, timed; none while it is down.

A file never waits longer than the service's own time, and not at all while the service is known not to answer; what it
could not say is a warning of the file.
"""

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from consumers.lookup_http import LookupFailedError, ask
from events.metadata_policy import ProgramService

__all__ = ["Found", "Lookups"]

log = logging.getLogger(__name__)

Key = tuple[str | None, ...]

_ANSWERS_KEPT = 10_000
_UNKNOWN_KEPT_S = 60.0
"""What the service does not know today it may know soon."""

_FAILURES_ALLOWED = 3
_SHUT_FIRST_S = 1.0
_SHUT_AT_MOST_S = 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """``program`` None: the service knows none, or ``problem`` says why it could not be asked."""

    program: str | None
    waited_s: float = 0.0
    problem: str | None = None


@dataclass
class _Service:
    """What is known of one service, and who waits for it."""

    waiting: "OrderedDict[Key, Future[str | None]]" = field(default_factory=OrderedDict)
    answers: "OrderedDict[Key, tuple[str | None, float]]" = field(default_factory=OrderedDict)
    is_asked: bool = False
    failures: int = 0
    shut_until: float = 0.0
    problem: str = ""


class Lookups:
    """One for all threads of a process. ``together_s``: how long the first question waits for others."""

    def __init__(
        self, *, together_s: float = 0.01, at_once: int = 100, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._together_s = together_s
        self._at_once = at_once
        self._now = now
        self._services: dict[ProgramService, _Service] = {}
        self._lock = threading.Lock()

    def find(self, service: ProgramService, metadata: Mapping[str, object]) -> Found:
        """The program of a file with this metadata. Raises nothing: a service that is away is a finding."""
        key = tuple(_text(metadata.get(name)) for name in service.keys)
        began = self._now()
        with self._lock:
            state = self._services.setdefault(service, _Service())
            if key in state.answers and state.answers[key][1] > began:
                state.answers.move_to_end(key)
                return Found(state.answers[key][0])
            if state.shut_until > began:
                return Found(
                    None, problem=f"{state.problem}; not asked again for {state.shut_until - began:.0f} s"
                )
            answer = state.waiting.setdefault(key, Future())
            if not state.is_asked:
                state.is_asked = True
                threading.Thread(
                    target=self._serve, args=(service, state), name="lookups", daemon=True
                ).start()
        try:
            # Those under way first, then our own.
            program = answer.result(2 * service.timeout_s + self._together_s + 1)
        except (LookupFailedError, TimeoutError) as error:
            problem = str(error) or f"{service.url}: no answer among others that wait for it"
            return Found(None, self._now() - began, problem)
        return Found(program, self._now() - began)

    def _serve(self, service: ProgramService, state: _Service) -> None:
        """Ask for all that is wanted, many at once, until nobody waits."""
        while True:
            if self._together_s:
                time.sleep(self._together_s)
            with self._lock:
                if not state.waiting:
                    state.is_asked = False
                    return
                some = [
                    state.waiting.popitem(last=False) for _ in range(min(self._at_once, len(state.waiting)))
                ]
            keys = [key for key, _ in some]
            try:
                programs = ask(service, [dict(zip(service.keys, key, strict=True)) for key in keys])
            except LookupFailedError as error:
                self._failed(service, state, error)
                for _, answer in some:
                    answer.set_exception(error)
            except Exception as error:  # a bug of ours must not leave everybody waiting
                log.exception("lookup raised", extra={"service": service.name})
                for _, answer in some:
                    answer.set_exception(LookupFailedError(f"{service.url}: {type(error).__name__}: {error}"))
            else:
                self._answered(service, state, keys, programs)
                for (_, answer), program in zip(some, programs, strict=True):
                    answer.set_result(program)

    def _answered(
        self, service: ProgramService, state: _Service, keys: Sequence[Key], programs: Sequence[str | None]
    ) -> None:
        with self._lock:
            if state.failures >= _FAILURES_ALLOWED:
                log.info("the service answers again", extra={"service": service.name, "url": service.url})
            state.failures = 0
            for key, program in zip(keys, programs, strict=True):
                kept_s = service.kept_s if program is not None else min(service.kept_s, _UNKNOWN_KEPT_S)
                state.answers[key] = program, self._now() + kept_s
                state.answers.move_to_end(key)
            while len(state.answers) > _ANSWERS_KEPT:
                state.answers.popitem(last=False)

    def _failed(self, service: ProgramService, state: _Service, error: Exception) -> None:
        """After a few failures on end nobody asks for a while, then one does, and so on."""
        with self._lock:
            state.failures += 1
            state.problem = str(error)
            beyond = state.failures - _FAILURES_ALLOWED
            if beyond < 0:
                return
            shut_s = min(_SHUT_AT_MOST_S, _SHUT_FIRST_S * 2.0 ** min(beyond, 16))
            state.shut_until = self._now() + shut_s
        if beyond == 0:
            extra = {"service": service.name, "url": service.url, "error": str(error)}
            log.warning("files go without what a service knows", extra=extra)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
