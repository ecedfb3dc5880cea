"""What stands against taking an input: a code for programs and reasons for people."""

__all__ = ["Objection"]


class Objection(Exception):  # noqa: N818 - no error of ours; the sender is told and can put it right
    """An input can't be taken as it is. Each reason says what was found, what was wanted, and what would help."""

    def __init__(self, code: str, *reasons: str) -> None:
        super().__init__(code, *reasons)
        self.code = code
        self.reasons = reasons

    def __str__(self) -> str:
        return f"{self.code}: {'; '.join(self.reasons)}"
