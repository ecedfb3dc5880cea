"""What one run of the command line shares: the options, the settings, where answers are printed, the client."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from service.cli.errors import WrongUseError
from service.cli.options import Options
from service.cli.output import Output

if TYPE_CHECKING:
    from service.client import Client
    from service.settings import Settings
    from service.wiring import Wiring

__all__ = ["Session", "session_of"]


@dataclass
class Session:
    """Made once, from the options; nothing is loaded or connected before it is asked for."""

    options: Options = field(default_factory=Options)

    @cached_property
    def settings(self) -> "Settings":
        """The settings, with ``--config`` and ``--site`` over the environment."""
        from service.settings import load

        config = self.options.config or os.environ.get("MERIDIAN_CONFIG") or None
        given = {} if self.options.site is None else {"site": self.options.site}
        from pathlib import Path

        return load(Path(config) if config else None, **given)

    @cached_property
    def out(self) -> Output:
        """Where answers go."""
        return Output(self.options.output, quiet=self.options.quiet)

    @property
    def actor(self) -> str:
        """In whose name things are asked."""
        return self.options.actor or _user()

    @cached_property
    def wiring(self) -> "Wiring":
        """The servers as the settings name them, or those of the local stack."""
        from service.wiring import Wiring

        return Wiring.of(self.settings, program="cli")

    @contextmanager
    def client(self) -> Iterator["Client"]:
        """A client that is closed again."""
        from service.client import Client

        client = Client(self.wiring, actor=self.actor, reason=self.options.reason)
        try:
            yield client
        finally:
            client.close()

    def reason_for(self, what: str) -> str:
        """The reason given; raises WrongUseError where there is none."""
        if not self.options.reason:
            raise WrongUseError(
                f"{what} needs a reason: found none, wanted one to be kept with it; add --reason '…'"
            )
        return self.options.reason

    def confirm(self, question: str) -> None:
        """Ask before something that can't be undone; raises WrongUseError where nobody can answer."""
        if self.options.yes:
            return
        if not os.isatty(0):
            raise WrongUseError(f"{question} wanted an answer, found no terminal to ask at; add --yes")
        typer.confirm(question, abort=True, err=True)


def session_of(context: typer.Context) -> Session:
    """The session of this run."""
    session = context.find_root().obj
    assert isinstance(session, Session)  # noqa: S101 - the root command makes it
    return session


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid-{os.getuid()}"
