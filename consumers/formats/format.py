"""One file format: what it is called, and the steps every file goes through whatever its format."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol, cast, get_args

from consumers.formats import bytes_scan
from consumers.formats.bytes_scan import SeenBytes
from consumers.formats.content import Content, Expected
from consumers.formats.duplicates import allows_duplicates
from consumers.formats.findings import Findings
from consumers.formats.inspection import Inspection, InvalidFileError
from consumers.formats.text import one_line, shortened

if TYPE_CHECKING:
    from consumers.checks.judge import Watch

__all__ = ["ROLES", "Content", "Expected", "Format", "Role", "UnknownRuleError"]

Role = Literal["primary", "sidecar", "preview", "manifest"]
"""What a file is to its stream, where no rule of the stream says otherwise."""

ROLES: tuple[str, ...] = get_args(Role)

MAX_FILE_BYTES = 64 * 1024**3
MAX_MESSAGE_CHARACTERS = 7_000  # a rejection holds 8,000

# Identities that a format works out from several keywords, and the value it gives them under.
IDENTITIES = {"koaid": "KOAID", "rubin": "RUBINID"}


class UnknownRuleError(ValueError):
    """The stream's configuration names an identity rule that no format knows."""


class Reader(Protocol):
    """What a format's module offers."""

    def read(self, source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:
        """Look through the file; raise InvalidFileError where it is not what was wanted."""

    def warm_up(self) -> None:
        """Load the libraries and go once through what they do lazily the first time."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format by its name, read by a module. Its libraries are imported with its first file, or by ``warm_up``."""

    name: str
    media_type: str
    extensions: tuple[str, ...]
    module: str
    role: Role = "primary"

    def warm_up(self) -> None:
        """Load the format's libraries and the checks now."""
        from consumers.checks.registry import known_checks

        self._reader().warm_up()
        known_checks()

    def inspect(self, path: Path | str, expected: Expected) -> Inspection:
        """Look into a file in this process: for trusted files and tests. ``consumers.child`` does it in a child."""
        with Path(path).open("rb") as source:
            return self.inspect_open(source, expected)

    def inspect_open(
        self,
        source: BinaryIO,
        expected: Expected,
        *,
        max_bytes: int = MAX_FILE_BYTES,
        on_bytes: Callable[[SeenBytes], None] = lambda _: None,
        watch: "Watch | None" = None,
    ) -> Inspection:
        """Look into an open file. Raises OSError and FileChangedError; what is wrong with the file is the result."""
        from consumers.checks.judge_file import judge_file

        findings = Findings(allows_duplicates=allows_duplicates(expected.settings))
        seen: SeenBytes | None = None
        content: Content | None = None
        try:
            with findings.critical("readable"):
                seen = bytes_scan.scan(source, max_bytes=max_bytes, md5=expected.md5)
            on_bytes(seen)
            _compare_announced(seen, expected, findings)
            content = self._reader().read(source, seen, expected, findings)
            judge_file(self.name, source, seen, expected, content, findings, watch=watch)
            identity = _identity(expected, content, findings)
            metadata = content.metadata.reported(findings)
        except InvalidFileError as invalid:
            # What a file says of itself is kept where it could be read: it tells which group lacks it.
            said = {} if content is None else content.metadata.to_dict()
            return replace(_invalid(invalid, seen, findings), metadata=said)
        return Inspection(
            verdict="ok",
            size_bytes=seen.size_bytes,
            sha256=seen.sha256,
            md5=seen.md5,
            sums=content.sums,
            beyond=content.metadata.beyond() or None,
            metadata=metadata,
            identity=identity,
            header_fixes=tuple(findings.header_fixes),
            qa=tuple(findings.qa),
            warnings=findings.warnings,
        )

    def _reader(self) -> Reader:
        module = import_module(self.module)
        missing = [name for name in ("read", "warm_up") if not callable(getattr(module, name, None))]
        if missing:
            wanted = " and ".join(missing)
            raise TypeError(
                f"format {self.name}: {self.module} has no function {wanted}, wanted read and warm_up"
            )
        return cast("Reader", module)


def _compare_announced(seen: SeenBytes, expected: Expected, findings: Findings) -> None:
    """What arrived must be what was announced, before anybody judges what it says."""
    if expected.size_bytes is None:
        findings.skipped("size_announced", "no size was announced")
    else:
        with findings.critical("size_announced", value=seen.size_bytes):
            if expected.size_bytes != seen.size_bytes:
                raise _wrong_size(seen, expected.size_bytes)
    if expected.sha256 is None:
        findings.skipped("checksum_announced", "no checksum was announced")
    else:
        with findings.critical("checksum_announced", value=seen.sha256):
            if expected.sha256.lower() != seen.sha256:
                raise _wrong_sum(seen, expected.sha256)


def _wrong_size(seen: SeenBytes, announced: int) -> InvalidFileError:
    difference = announced - seen.size_bytes
    hint = "cut on the way, or still being written" if difference > 0 else "written to after it was announced"
    return InvalidFileError(
        "SIZE_MISMATCH",
        f"found {seen.size_bytes} bytes, announced {announced}: {abs(difference)} too "
        f"{'few' if difference > 0 else 'many'}, {hint}; send it again",
        found=f"{seen.size_bytes} bytes",
        wanted=f"{announced} bytes",
    )


def _wrong_sum(seen: SeenBytes, announced: str) -> InvalidFileError:
    return InvalidFileError(
        "CHECKSUM_MISMATCH",
        f"found sha256 {seen.sha256}, announced {shortened(announced, 100)}; send the file or its own sum again",
        found=seen.sha256,
        wanted=shortened(announced, 100),
    )


def _identity(expected: Expected, content: Content, findings: Findings) -> str | None:
    """The file's archive identity by the stream's rule."""
    rule = expected.identity_rule
    if rule is None:
        return None
    if rule == "name":
        return Path(expected.name).stem
    if rule not in IDENTITIES and not rule.startswith("keyword:"):
        wanted = ", ".join((*IDENTITIES, "name"))
        raise UnknownRuleError(f"identity rule {rule!r}, wanted {wanted} or keyword:NAME")
    keyword = IDENTITIES.get(rule) or rule.removeprefix("keyword:")
    value = str(content.values.get(keyword) or "").strip()
    with findings.critical("identity", value=shortened(value, 200)):
        if not value:
            raise _no_identity(keyword, rule)
    return shortened(value, 200)


def _no_identity(keyword: str, rule: str) -> InvalidFileError:
    return InvalidFileError(
        "MISSING_KEYWORD",
        f"{keyword} has no value, and the stream names its files by it ({rule})",
        found="nothing",
        wanted=keyword,
    )


def _invalid(invalid: InvalidFileError, seen: SeenBytes | None, findings: Findings) -> Inspection:
    return Inspection(
        verdict="invalid",
        code=invalid.code,
        message=one_line(invalid.message, MAX_MESSAGE_CHARACTERS),
        found=None if invalid.found is None else one_line(invalid.found, 500),
        wanted=None if invalid.wanted is None else one_line(invalid.wanted, 500),
        size_bytes=None if seen is None else seen.size_bytes,
        sha256=None if seen is None else seen.sha256,
        md5=None if seen is None else seen.md5,
        header_fixes=tuple(findings.header_fixes),
        qa=tuple(findings.qa),
        warnings=findings.warnings,
    )
