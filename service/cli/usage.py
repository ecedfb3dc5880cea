"""What typer says of arguments that it can't read, as the trouble that every command can have."""

import typer

from service.cli.trouble import Trouble

__all__ = ["of_usage"]


def of_usage(error: Exception) -> Trouble | None:
    """A word or an option that the command does not know, or one that it misses; None for errors of other kinds."""
    if not isinstance(error, typer.TyperException):
        return None
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is None:
        return Trouble("WRONG_USE", error.exit_code, error.format_message())
    usage = " ".join(context.get_usage().split()).removeprefix("Usage: ")
    found = _one_line(error) or f"no command behind {context.command_path}"
    return Trouble(
        "WRONG_USE",
        error.exit_code,
        f"{found}; wanted {usage}; see {context.command_path} --help",
    )


def _one_line(error: typer.TyperException) -> str:
    """What typer says, without its full stop; nothing where it would print all of the help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return ""
    return " ".join(error.format_message().split()).rstrip(".").replace(";", ",")
