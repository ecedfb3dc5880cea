"""A block in which a library reads the file: its errors become findings about the file, its warnings are kept."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError
from consumers.formats.text import shortened

__all__ = ["reading_with"]


@contextmanager
def reading_with(library: str, findings: Findings) -> Iterator[None]:
    """Raise InvalidFileError UNREADABLE for what the library cannot read; memory and disk errors stay what they are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except (InvalidFileError, MemoryError):
            raise
        except OSError as error:
            if error.errno is not None and error.filename is None and not _is_about_content(error):
                raise
            raise _unreadable(library, error) from error
        except Exception as error:  # parsers raise anything when fed with damaged files
            raise _unreadable(library, error) from error
    for warning in caught:
        text = " ".join(str(warning.message).split())
        findings.warn("READER_WARNING", f"{library}: {shortened(text, 500)}", found=warning.category.__name__)


def _is_about_content(error: OSError) -> bool:
    """Readers use EINVAL for a seek to where a wrong header sends them."""
    import errno

    return error.errno in {errno.EINVAL, errno.EOVERFLOW, errno.EFBIG}


def _unreadable(library: str, error: Exception) -> InvalidFileError:
    reason = shortened(" ".join(str(error).split()), 400) or "no reason given"
    return InvalidFileError(
        "UNREADABLE",
        f"{library} cannot read it: {type(error).__name__}: {reason}; send the file again or have it written again",
        found=type(error).__name__,
        wanted=f"a file that {library} can read",
    )
