"""The place that an announcement names: a URI taken apart, held against the stream's roots, and written one way."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from consumers.objections import Objection

__all__ = ["Place", "base_name"]

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
_PLAIN = "/-._~!$&'()*+,;=:@"
_STEP_BYTES = 255
_COMPRESSED = re.compile(r"\.(gz|fz|bz2|xz|zst|Z)$", re.IGNORECASE)
# An extension begins with a letter: ``KB.20190509.07554.57`` has none, and so does not lose its last number.
_EXTENSION = re.compile(r"(?<=.)\.[A-Za-z][A-Za-z0-9_]{0,9}$")


@dataclass(frozen=True, slots=True)
class Place:
    """A file as announced: ``scheme`` (file or s3), ``bucket`` (s3 only), and the steps of its path, escapes undone."""

    scheme: str
    bucket: str
    steps: tuple[str, ...]

    @classmethod
    def of_uri(cls, uri: str) -> Self:
        """The place that a URI names; raises ``Objection`` (BAD_URI) where it has more than one reading."""
        if any(unicodedata.category(letter)[0] == "C" for letter in uri) or "\\" in uri:
            raise _bad(uri, "a control character or a backslash", "printable text")
        parts = _parts(uri)
        if parts.scheme not in {"file", "s3"} or not uri[len(parts.scheme) :].startswith("://"):
            raise _bad(uri, f"the scheme {parts.scheme or 'none'!r}", "file:///… or s3://bucket/…")
        if parts.query or parts.fragment or "?" in uri or "#" in uri:
            raise _bad(uri, "a ? or #", "none; in a path they are written %3F and %23")
        path = _decoded(uri, parts.path)
        bucket = parts.netloc
        if parts.scheme == "file" and bucket not in {"", "localhost"}:
            raise _bad(uri, f"the host {bucket!r}", "a path on this machine, file:///…")
        if parts.scheme == "s3" and not _BUCKET.fullmatch(bucket):
            raise _bad(uri, f"the bucket {bucket!r}", "3 to 63 letters, digits, hyphens, dots")
        return cls(parts.scheme, bucket if parts.scheme == "s3" else "", _steps(uri, path))

    @classmethod
    def of_object(cls, bucket: str, key: str) -> Self:
        """The place of an object whose key is known as it is, not as part of a URI."""
        return cls.of_uri(f"s3://{bucket}/{quote(key, safe=_PLAIN, errors='surrogatepass')}")

    @property
    def uri(self) -> str:
        """The place in its one spelling: the same place always gives the same text."""
        path = quote("/".join(self.steps), safe=_PLAIN)
        return f"s3://{self.bucket}/{path}" if self.scheme == "s3" else f"file:///{path}"

    @property
    def name(self) -> str:
        """The file's name, in Unicode's composed form."""
        return unicodedata.normalize("NFC", self.steps[-1])

    def deepest_root(self, roots: Iterable[str]) -> int | None:
        """How many steps the longest root has in which this place lies; None: it lies in none."""
        depths = [len(root) for root in map(_root, roots) if root is not None and self._lies_in(root)]
        return max(depths) if depths else None

    def _lies_in(self, root: tuple[str, ...]) -> bool:
        own = (self.scheme, self.bucket, *self.steps[:-1])
        return own[: len(root)] == root


def base_name(name: str) -> str:
    """A name without its extension and without a compression's before that: ``a.fits.fz`` and ``a.fits`` are ``a``."""
    return _EXTENSION.sub("", _COMPRESSED.sub("", name))


def _parts(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError as error:
        raise _bad(uri, str(error), "file:///… or s3://bucket/…") from error


def _root(root: str) -> tuple[str, ...] | None:
    """A configured root as scheme, bucket and steps; one that can't be read holds nothing."""
    scheme, found, rest = root.partition("://")
    if not found:
        return None
    bucket, _, path = rest.partition("/")
    steps = tuple(step for step in unquote_to_bytes(path).decode("utf-8", "replace").split("/") if step)
    return (scheme, bucket if scheme == "s3" else "", *steps)


def _decoded(uri: str, path: str) -> str:
    if "%" in _ESCAPE.sub("", path):
        raise _bad(uri, "a % that begins no escape", "%25 for a percent sign")
    if re.search("%2f|%5c|%00", path, re.IGNORECASE):
        raise _bad(uri, "an escaped slash, backslash or NUL", "plain steps between slashes")
    try:
        text = unquote_to_bytes(path).decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise _bad(uri, f"escapes that are no UTF-8 ({error})", "UTF-8") from error
    if "%" in text:
        raise _bad(
            uri, "an escape inside an escape", "each character escaped once at most, and no % in names"
        )
    if any(unicodedata.category(letter)[0] == "C" for letter in text):
        raise _bad(uri, "an escaped control character", "printable text")
    return text


def _steps(uri: str, path: str) -> tuple[str, ...]:
    steps = tuple(path.removeprefix("/").split("/"))
    if any(step in {"", ".", ".."} for step in steps):
        raise _bad(uri, "an empty, '.' or '..' step in the path", "a plain path to one file")
    if any(len(step.encode()) > _STEP_BYTES for step in steps):
        raise _bad(uri, f"a step of more than {_STEP_BYTES} bytes", "a name that a file system can hold")
    return steps


def _bad(uri: str, found: str, wanted: str) -> Objection:
    return Objection("BAD_URI", f"uri {uri[:200]!r}: found {found}, wanted {wanted}")
