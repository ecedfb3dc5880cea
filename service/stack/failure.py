"""What is raised when the local stack can't do what was asked."""

__all__ = ["StackError"]


class StackError(Exception):
    """Something on this machine is in the way; the text names it and the way out."""
