"""A format of another package, as its author would write it."""

from consumers.formats import Content, Expected, Format, InvalidFileError, Metadata
from consumers.formats.findings import Findings

FORMAT = Format("spectra-text", "text/x-spectra", (".spec",), __name__)
NO_READER = Format("no-reader", "text/plain", (), "tests.consumers.formats.build")
UNKNOWN_CODE = "NOBODY_KNOWS_THIS"


def warm_up():
    """There is nothing to load."""


def read(source, seen, expected: Expected, findings: Findings) -> Content:
    with findings.critical("structure"):
        first = source.readline()
        if first.startswith(b"code "):
            raise InvalidFileError(first[5:].decode().strip(), "as the file itself wants it")
        if not first.startswith(b"# spectra"):
            raise InvalidFileError(
                "NOT_THE_FORMAT", "found another first line, wanted # spectra", found="another"
            )
    return Content(Metadata(instrument="spectrograph", extra={"settings": str(dict(expected.settings))}))
