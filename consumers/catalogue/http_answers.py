"""Answers of an HTTP server that may be slow, broken or away: fetched whole, tried again, or told why not."""

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import IO, Any

import requests
from urllib3.exceptions import HTTPError

from consumers.catalogue.json_stream import JsonBrokenError, elements

__all__ = ["Answer", "NoAnswerError", "Patience", "fetch"]

_CHUNK = 1 << 16
_NOT_MODIFIED = 304
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_TOLD = 200


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server (seconds), how often to ask again, and how much it may send."""

    connect_s: float = 10.0
    read_s: float = 60.0
    whole_s: float = 600.0
    tries: int = 4
    first_pause_s: float = 0.5
    longest_pause_s: float = 60.0
    max_bytes: int = 2 << 30

    def pause_s(self, tried: int, asked_s: float | None) -> float:
        """How long to wait after so many tries; longer where the server asks for it, within reason."""
        grown: float = self.first_pause_s * 2 ** (tried - 1)
        return min(max(grown, asked_s or 0.0), self.longest_pause_s)


class NoAnswerError(Exception):
    """The server gave no answer that can be used. ``is_final``: asking again will not help."""

    def __init__(
        self, found: str, wanted: str, *, help_: str = "scan again later", is_final: bool = True
    ) -> None:
        super().__init__(f"found {found}, wanted {wanted}")
        self.found = found
        self.wanted = wanted
        self.help = help_
        self.is_final = is_final


class _AgainError(Exception):
    """Asking again may help."""

    def __init__(self, found: str, wanted: str, after_s: float | None = None) -> None:
        super().__init__(found)
        self.found = found
        self.wanted = wanted
        self.after_s = after_s


@dataclass(slots=True)
class Answer:
    """A whole answer in a temporary file, to be closed. ``unchanged``: the server says that we have it already."""

    text: TextIOWrapper
    validator: str | None = None
    unchanged: bool = False


def fetch(
    session: requests.Session,
    url: str,
    *,
    path: tuple[str, ...],
    ask: Mapping[str, Any] | None = None,
    validator: str | None = None,
    patience: Patience,
    folder: Path | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """One answer: a whole JSON document with an array at ``path``. ``ask`` is posted as JSON; None: GET.

    An answer that is cut off, is no JSON or comes too slowly counts as none, and is asked for again. Raises
    NoAnswerError.
    """
    tried = 0
    while True:
        tried += 1
        try:
            return _once(session, url, path, ask, validator, patience, folder)
        except _AgainError as error:
            if tried >= patience.tries:
                found = f"{error.found} (asked {tried} times)"
                raise NoAnswerError(found, error.wanted, is_final=False) from error
            sleep(patience.pause_s(tried, error.after_s))


def _once(
    session: requests.Session,
    url: str,
    path: tuple[str, ...],
    ask: Mapping[str, Any] | None,
    validator: str | None,
    patience: Patience,
    folder: Path | None,
) -> Answer:
    until = time.monotonic() + patience.whole_s
    headers = {"Accept": "application/json"} | ({"If-None-Match": validator} if validator else {})
    try:
        response = session.request(
            "GET" if ask is None else "POST",
            url,
            json=ask,
            headers=headers,
            timeout=(patience.connect_s, patience.read_s),
            stream=True,
            allow_redirects=False,
        )
        with response:
            return _taken(response, path, patience, until, folder, has_asked=validator is not None)
    except requests.exceptions.Timeout as error:
        raise _AgainError(f"no answer within {patience.read_s:g} s", "one in time") from error
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.MissingSchema,
    ) as error:
        raise NoAnswerError(
            str(error), "an address that begins with http:// or https://", help_="mend it"
        ) from error
    except (requests.exceptions.RequestException, HTTPError, OSError) as error:
        raise _AgainError(f"{type(error).__name__}: {error}"[:_TOLD], "a whole answer") from error


def _taken(
    response: requests.Response,
    path: tuple[str, ...],
    patience: Patience,
    until: float,
    folder: Path | None,
    *,
    has_asked: bool,
) -> Answer:
    validator = response.headers.get("ETag")
    if response.status_code == _NOT_MODIFIED and has_asked:
        return Answer(TextIOWrapper(BytesIO()), validator, unchanged=True)
    _check_status(response)
    # Bytes that are no UTF-8 become halves of pairs, which the reader of records then finds in their member.
    text = TextIOWrapper(_kept(response, patience, until, folder), encoding="utf-8", errors="surrogateescape")
    try:
        for _ in elements(text.read, path):
            pass
        text.seek(0)
    except JsonBrokenError as error:
        text.close()
        raise _AgainError(
            f"an answer that is cut off or no JSON ({error})"[:_TOLD], "a whole JSON document"
        ) from error
    return Answer(text, validator)


def _check_status(response: requests.Response) -> None:
    status = response.status_code
    found = f"status {status} {response.reason or ''}".strip()
    if status in _TRY_AGAIN:
        raise _AgainError(found, "status 200", _seconds(response.headers.get("Retry-After")))
    if 300 <= status < 400:
        place = response.headers.get("Location", "nowhere")[:_TOLD]
        raise NoAnswerError(
            f"{found} to {place}", "the catalogue itself", help_="name that address if it is right"
        )
    if status != 200:
        start = response.raw.read(_TOLD, decode_content=True) or b""
        told = json.dumps(start.decode("utf-8", "replace"))
        raise NoAnswerError(f"{found}: {told}", "status 200", help_="check the address and who may read it")


def _kept(response: requests.Response, patience: Patience, until: float, folder: Path | None) -> IO[bytes]:
    body: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by whoever reads the answer
    size = 0
    try:
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            if size > patience.max_bytes:
                raise NoAnswerError(
                    f"more than {patience.max_bytes} bytes", "a smaller answer", help_="ask by pages"
                )
            if time.monotonic() > until:
                raise _AgainError(
                    f"{size} bytes in {patience.whole_s:g} s and no end", "a whole answer in time"
                )
            body.write(chunk)
        body.seek(0)
    except BaseException:
        body.close()
        raise
    return body


def _seconds(text: str | None) -> float | None:
    """``Retry-After`` in seconds; a date there is not waited for."""
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
