"""What the checks of one file have found so far: results, warnings and header fixes, all of bounded size."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from consumers.formats.fits_hdu import Hdu
from consumers.formats.inspection import HeaderFix, InvalidFileError, Level, QaResult, Scalar, Warning_
from consumers.formats.text import one_line, shortened

if TYPE_CHECKING:
    from consumers.formats.asdf_scan import Layout

__all__ = ["Findings"]

MAX_WARNINGS = 100
MAX_VALUE_CHARACTERS = 500
MAX_MESSAGE_CHARACTERS = 1900  # results and warnings hold 2,000


class Findings:
    """Collects while a file is looked through. A failed critical check is recorded and ends the look by raising.

    ``allows_duplicates``: a keyword that stands twice with different values is a warning for this stream. ``hdus``:
    where the headers and data of a FITS file lie, and ``layout``: the tree and blocks of an ASDF file, once its
    structure was found sound. ``unjudged``: why critical checks could not judge the file, in words.
    """

    def __init__(self, *, allows_duplicates: bool = False) -> None:
        self.allows_duplicates = allows_duplicates
        self.hdus: Sequence[Hdu] = ()
        self.layout: Layout | None = None
        self.unjudged: list[str] = []
        self.qa: list[QaResult] = []
        self.header_fixes: list[HeaderFix] = []
        self._warnings: list[Warning_] = []
        self._more_warnings = 0

    @property
    def warnings(self) -> tuple[Warning_, ...]:
        """The first hundred warnings; one more counts what came after them."""
        if not self._more_warnings:
            return tuple(self._warnings)
        rest = Warning_("MORE_WARNINGS", f"{self._more_warnings} more warnings are not listed")
        return (*self._warnings, rest)

    @contextmanager
    def critical(self, check: str, *, value: Scalar = None) -> Iterator[None]:
        """A critical check: passed when the block ends, failed when it raises InvalidFileError."""
        try:
            yield
        except InvalidFileError as invalid:
            message = one_line(invalid.message, MAX_MESSAGE_CHARACTERS)
            wanted = None if invalid.wanted is None else one_line(invalid.wanted, 500)
            self.add(QaResult(check, "critical", False, value, threshold=wanted, message=message))
            raise
        self.add(QaResult(check, "critical", True, value))

    def skipped(self, check: str, message: str, *, level: Level = "critical") -> None:
        """Record that a check had nothing to judge, and why."""
        self.add(QaResult(check, level, None, message=message))

    def advise(
        self, check: str, passed: bool | None, message: str | None = None, *, value: Scalar = None
    ) -> None:
        """Record a check whose failure is listed and changes nothing, unless the stream makes it critical."""
        text = None if message is None else one_line(message, MAX_MESSAGE_CHARACTERS)
        self.add(QaResult(check, "advisory", passed, value, message=text))

    def record(
        self, check: str, value: Scalar, unit: str | None = None, *, message: str | None = None
    ) -> None:
        """Record a value as it stands in the file; None where the file does not say."""
        self.add(QaResult(check, "record-only", None, value, unit, message=message))

    def warn(
        self,
        code: str,
        message: str,
        *,
        keyword: str | None = None,
        found: Scalar = None,
        wanted: Scalar = None,
    ) -> None:
        """Note something unusual that changes no state."""
        if len(self._warnings) >= MAX_WARNINGS:
            self._more_warnings += 1
            return
        texts = (None if text is None else one_line(str(text), 200) for text in (keyword, found, wanted))
        self._warnings.append(Warning_(code, one_line(message, MAX_MESSAGE_CHARACTERS), *texts))

    def fix(self, keyword: str, *, original: Scalar, fixed: Scalar, reason: str) -> None:
        """Note a header value that is read differently from what stands in the file."""
        self.header_fixes.append(HeaderFix(keyword, _bounded(original), _bounded(fixed), reason))

    def add(self, result: QaResult) -> None:
        """Keep a result, its value of bounded size."""
        is_text = isinstance(result.value, str)
        self.qa.append(replace(result, value=_bounded(result.value)) if is_text else result)


def _bounded(value: Scalar) -> Scalar:
    return shortened(value, MAX_VALUE_CHARACTERS) if isinstance(value, str) else value
