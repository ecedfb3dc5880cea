"""Deciding on the sum that a manifest has of a file: compared when both are known, whichever came first.

A sum that differs is a warning and no state: whether the file or the list is wrong, only people can tell. It holds
until a newer list, or newer content, agrees.
"""

from typing import Any, NamedTuple

from events.file_manifest import AttestFile, FileAttested
from events.types import WarningFinding
from machines.file_beside import no_news, taken
from machines.file_state import File, Version
from machines.ruling import Ask, Ruling

__all__ = ["DIFFERS", "Compared", "attest", "compared"]

DIFFERS = "MANIFEST_MISMATCH"

Data = dict[str, Any]


def attest(file: File, ask: Ask) -> Ruling:
    """A manifest names the file; it is compared with the newest version, if that has been read."""
    request = ask.payload
    assert isinstance(request, AttestFile)
    newest = file.newest
    known = file.attested
    said = request.wire()
    if known is not None and known["manifest"] == request.manifest:
        if known == said:
            reason = (
                f"version {request.manifest_version} of {request.manifest} said so already; nothing to do"
            )
            return no_news(file, reason)
        if known["manifest_version"] > request.manifest_version:
            reason = (
                f"found version {request.manifest_version} of {request.manifest}, and version "
                f"{known['manifest_version']} has spoken; nothing to do"
            )
            return no_news(file, reason)
    result = _result(said, sha256=newest.sha256, md5=newest.md5) if newest else {}
    warned = any(DIFFERS in each.warnings for each in file.versions.values())
    fact = FileAttested(
        **{name: said[name] for name in ("manifest", "manifest_version", "algorithm", "sum")},
        agrees=result.get("agrees"),
        found=result.get("found"),
        warnings=(WarningFinding(**_warning(said, result["found"])),)
        if result.get("agrees") is False
        else (),
        withdraws=(DIFFERS,) if warned and result.get("agrees") is not False else (),
    )
    return taken(file, fact)


class Compared(NamedTuple):
    """What the manifest's word came to (None: there is none), and the warnings that hold and hold no more by it."""

    attested: Data | None = None
    warnings: tuple[Data, ...] = ()
    withdraws: tuple[str, ...] = ()


def compared(file: File, version: Version, *, sha256: str | None, md5: str | None) -> Compared:
    """Now that the version has been read; whatever a former look or list has warned of is looked at anew."""
    said = file.attested
    if said is None:
        return Compared()
    result = _result(said, sha256=sha256, md5=md5)
    over = (DIFFERS,) if DIFFERS in version.warnings else ()
    warnings = (_warning(said, result["found"]),) if result.get("agrees") is False else ()
    return Compared({"manifest": said["manifest"], **result}, warnings, over)


def _result(said: Data, *, sha256: str | None, md5: str | None) -> Data:
    found = md5 if said["algorithm"] == "MD5" else sha256
    return {} if found is None else {"agrees": found == said["sum"], "found": found}


def _warning(said: Data, found: str) -> Data:
    kind, manifest = said["algorithm"], said["manifest"]
    message = (
        f"its {kind} is {found}, and {manifest} (version {said['manifest_version']}) has {said['sum']}; "
        "send the file or the list again, whichever is wrong"
    )
    return {"code": DIFFERS, "message": message, "keyword": manifest, "found": found, "wanted": said["sum"]}
