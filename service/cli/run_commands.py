"""``meridian run``: one role as it is deployed, stopped cleanly by SIGTERM or Ctrl-C within ten seconds."""

import logging
import os
import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from service.cli.errors import ToldError, WrongUseError
from service.cli.session import session_of

__all__ = ["run"]

log = logging.getLogger(__name__)

LEAVE_WITHIN_S = 9.5
NOT_CLEAN = 1


def run(
    context: typer.Context,
    role: Annotated[str, typer.Argument(help="decider, projector, consumers, timers or all", metavar="ROLE")],
) -> None:
    """Run one role until SIGTERM or Ctrl-C; all: every role as a child of its own."""
    from service.collecting import collect_seldom, keep_freed
    from service.installation import WrongSiteError
    from service.logging_setup import set_up
    from service.roles import PARTS, ROLES, run_all
    from service.wiring import Wiring

    work = {**ROLES, **PARTS, "all": run_all}.get(role)
    if work is None:
        raise WrongUseError(f"found the role {role}, wanted one of {', '.join((*ROLES, 'all'))}")
    session = session_of(context)
    set_up("debug" if session.options.debug else session.settings.log_level, role=role)
    stop = _stop_on_signals()
    wiring = Wiring.of(session.settings, program=role)
    log.info("role begins", extra={"role_name": role, "site": session.settings.site, "pid": os.getpid()})
    collect_seldom()
    keep_freed()
    try:
        work(wiring, stop)
    except WrongSiteError:  # whoever started it has to correct a setting: starting it again is of no use
        log.error("role refuses to begin", extra={"role_name": role})
        raise
    except Exception as error:
        log.exception("role died")
        raise ToldError(f"the role {role} died: {error}; its log says where", exit_code=NOT_CLEAN) from error
    log.info("role ends", extra={"role_name": role})


def _stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set; whoever is not out in time is put out."""
    from events.parentage import stop_with_parent
    from service.children import CHILD_MARK

    stop = threading.Event()

    def told(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.is_set() and number == signal.SIGINT:
            os._exit(NOT_CLEAN)  # asked twice at a terminal: now
        stop.set()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    threading.Thread(target=_put_out, args=(stop,), name="put-out", daemon=True).start()
    if CHILD_MARK in os.environ:
        stop_with_parent(stop)
    return stop


def _put_out(stop: threading.Event) -> None:
    stop.wait()
    threading.Event().wait(LEAVE_WITHIN_S)
    log.error("not out in time, put out", extra={"limit_s": LEAVE_WITHIN_S})
    os._exit(NOT_CLEAN)
