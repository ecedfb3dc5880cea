"""One question about many files to an outside service by HTTP, bounded in time and size; no answer is just believed."""

import http.client
import json
import socket
import threading
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from events.metadata_policy import ProgramService

__all__ = ["LookupFailedError", "ask"]

_ANSWER_AT_MOST = 1024 * 1024
_PROGRAM_AT_MOST = 255
_SAID = 200


class LookupFailedError(Exception):
    """The service did not answer, or not as it should; the message says what was found."""


def ask(service: ProgramService, keys: Sequence[Mapping[str, str | None]]) -> list[str | None]:
    """The program for each of the keys, None where the service knows none. Raises LookupFailedError."""
    what = f"POST {service.url}"
    status, content = _posted(service, json.dumps({"keys": list(keys)}).encode(), what)
    said = content[:_SAID].decode("utf-8", errors="replace")
    if status != http.client.OK:
        raise LookupFailedError(f"{what}: answered {status}: {said}")
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise LookupFailedError(f"{what}: answered with what is no JSON: {said}") from error
    programs = answer.get("programs") if isinstance(answer, dict) else None
    if not isinstance(programs, list) or len(programs) != len(keys):
        raise LookupFailedError(f"{what}: wanted programs for {len(keys)} keys, found {said}")
    for program in programs:
        if program is not None and not _is_program(program):
            raise LookupFailedError(
                f"{what}: found the program {str(program)[:_SAID]!r}, "
                f"wanted a text of 1 to {_PROGRAM_AT_MOST} printable characters, or null"
            )
    return programs


def _is_program(value: object) -> bool:
    return (
        isinstance(value, str)
        and value.isprintable()
        and 0 < len(value.strip()) <= len(value) <= _PROGRAM_AT_MOST
    )


def _posted(service: ProgramService, body: bytes, what: str) -> tuple[int, bytes]:
    """Status and content. The clock is for all of it: an answer that drips has no more time than another."""
    parts = urlsplit(service.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=service.timeout_s)
    too_late = threading.Event()

    def cut() -> None:
        too_late.set()
        if connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has just ended by itself
                return

    watch = threading.Timer(service.timeout_s, cut)
    watch.daemon = True
    watch.start()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        connection.connect()
        if too_late.is_set():
            raise TimeoutError("connected too late")
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read(_ANSWER_AT_MOST + 1)
        if too_late.is_set():
            raise TimeoutError("the answer was cut")
        if answer.length and len(content) <= _ANSWER_AT_MOST:
            raise http.client.IncompleteRead(content[:_SAID], answer.length)
    except (OSError, http.client.HTTPException) as error:
        if too_late.is_set() or isinstance(error, TimeoutError):
            raise LookupFailedError(f"{what}: no whole answer within {service.timeout_s:g} s") from error
        raise LookupFailedError(f"{what}: no answer ({type(error).__name__}: {error})") from error
    finally:
        watch.cancel()
        connection.close()
    if len(content) > _ANSWER_AT_MOST:
        raise LookupFailedError(
            f"{what}: an answer of more than {_ANSWER_AT_MOST} bytes, for programs of files"
        )
    return answer.status, content
