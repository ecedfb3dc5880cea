"""Why a part stands still, and the one command that leads on."""

from typing import Any

from projectors.halt_codes import known_code

__all__ = ["Halt", "StoreFencedError", "StoreUnavailableError", "UnusableSnapshotError"]


class Halt(Exception):  # noqa: N818 - a halt is what operators call it
    """Going on would break a law. ``code`` is one of ``HALTS``, ``details`` is what ``recover`` needs to lead on."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(f"{code}: {message}; see: meridian recover --explain")
        self.code = known_code(code)
        self.message = message
        self.details = details


class StoreUnavailableError(Exception):
    """PostgreSQL does not answer now; later may work."""


class StoreFencedError(Exception):
    """Another owner has written the watermark; this one has to stop at once."""


class UnusableSnapshotError(Exception):
    """A snapshot can't be read or does not fit the ledger: forget them all and read the ledger from its beginning.

    ``offset`` is the ledger's, of the record that does not fit, where it is one; ``code`` the halt that it is if it
    does not fit from the beginning either. ``by_views``: it is they who say so, and the ledger has the last word.
    """

    def __init__(
        self,
        message: str,
        *,
        offset: int | None = None,
        code: str = "LEDGER_BROKEN",
        by_views: bool = False,
    ) -> None:
        super().__init__(message)
        self.by_views = by_views
        self.offset = offset
        self.code = code
