"""Keys of objects in the archive: readable, from our own alphabet, and never one the prefix of another."""

import hashlib
import re
import unicodedata

__all__ = ["MAX_KEY_BYTES", "object_key"]

MAX_KEY_BYTES = 600
"""Well inside S3's 1,024 bytes: 200 for a prefix, 63 for the stream, 200 for the name, 120 for version and sum."""

# A store that maps keys to paths fails near 255 bytes a component (seen: 255; temporary suffixes count).
_COMPONENT = 200
_PREFIX = re.compile(r"([a-z0-9][a-z0-9._-]*/)*")
_STREAM = re.compile(r"[a-z][a-z0-9-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEPT = re.compile(r"[A-Za-z0-9_.-]")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")


def object_key(
    *,
    stream: str,
    logical_name: str,
    version: int,
    sha256: str,
    extension: str,
    prefix: str = "",
    copy: int = 1,
) -> str:
    """The key for one version of a file: ``<prefix><stream>/<name>.<extension>/v<version>-<sha256>.<extension>``.

    ``extension`` is empty where the logical name has it already. Below a prefix every key has three components; the
    middle one names the file, and the last one ends in its extension, after ``=`` if that is part of the name. So no
    key is a prefix of another, by path or by letters, and no two files share one. ``copy`` above 1 is another place
    for the same content, for when the first was found to hold other bytes. Raises ``ValueError`` naming what is wrong.
    """
    _check(stream=stream, logical_name=logical_name, version=version, sha256=sha256, prefix=prefix, copy=copy)
    suffix = _shortened(_escaped(extension.strip(".")), room=50)
    room = _COMPONENT - len(suffix) - 1
    name = _shortened(_escaped(unicodedata.normalize("NFC", logical_name)), room=room)
    last = f"v{version}{f'-c{copy}' if copy > 1 else ''}-{sha256}"
    if suffix:
        return f"{prefix}{stream}/{name}.{suffix}/{last}.{suffix}"
    own = _SUFFIX.search(name)
    return f"{prefix}{stream}/{name}/{last}={own[0] if own else ''}"


def _check(*, stream: str, logical_name: str, version: int, sha256: str, prefix: str, copy: int) -> None:
    if not _PREFIX.fullmatch(prefix) or len(prefix) > _COMPONENT:
        raise ValueError(
            f"prefix {prefix!r}: wanted steps of small letters, digits, dots, hyphens, each ending in /"
        )
    if not _STREAM.fullmatch(stream):
        raise ValueError(
            f"stream {stream!r}: wanted small letters, digits and hyphens, at most 63, for a key"
        )
    if not logical_name:
        raise ValueError(f"{stream}: found an empty logical name, wanted the file's name for a key")
    if version < 1 or copy < 1:
        raise ValueError(
            f"{stream}/{logical_name}: version {version}, copy {copy}: wanted both from 1 upwards"
        )
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"{stream}/{logical_name}: sha256 {sha256!r}: wanted 64 hexadecimal digits")


def _escaped(text: str) -> str:
    """``text`` with a leading dot and all outside our alphabet as ``=`` and two hexadecimal digits a byte."""
    letters = [letter if _KEPT.fullmatch(letter) else _hex(letter) for letter in text]
    if letters and letters[0] == ".":
        letters[0] = _hex(".")
    return "".join(letters)


def _hex(letter: str) -> str:
    return "".join(f"={byte:02X}" for byte in letter.encode("utf-8", "surrogatepass"))


def _shortened(name: str, *, room: int) -> str:
    """``name``, or its beginning and a digest of all of it; ``==`` never comes from escaping."""
    if len(name) <= room:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{name[: room - 34]}=={digest}"
