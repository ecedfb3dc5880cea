"""What every machine's refusal says: the request, the reasons against it, and what would be allowed now."""

from pydantic import Field

from events.base import Fact
from events.types import Code

__all__ = ["REASONS_AT_MOST", "Refused"]

REASONS_AT_MOST = 32


class Refused(Fact):
    """A request was refused; it changes no state, and stays in the ledger with its reasons."""

    request: str = Field(description="type of the request, such as file.retry")
    code: Code = Field(
        description="REFUSED, CONFLICT, ID_REUSED, TOO_LARGE, UNSTORABLE_TEXT, UNKNOWN_SUBJECT or INTERNAL"
    )
    reasons: tuple[str, ...] = Field(min_length=1, max_length=REASONS_AT_MOST)
    allowed: tuple[str, ...] = Field((), description="requests that the state allows now")
