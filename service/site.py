"""A site on this machine: servers started, tables made, the bucket there, roles beside them."""

import sys
import time
from collections.abc import Callable
from typing import Any

from service.decider.halts import Halt
from service.installation import check_cluster, check_site, claim, note, note_over
from service.serving import await_serving
from service.settings import PROJECT, Settings
from service.stack import local
from service.stack.failure import StackError
from service.stack.state import Condition, Role
from service.wiring import Wiring

__all__ = ["await_topics", "bring_up", "children_of", "is_up"]

ROLE_NAMES = ("decider", "projector", "consumers", "timers")

Progress = Callable[[str], None]
_READY_WITHIN_S = 60.0


def bring_up(settings: Settings, *, with_roles: bool, progress: Progress, owner: int | None = None) -> Wiring:
    """Start what is not running, in the order in which one needs the other; what runs already stays as it is.

    With ``owner``, a process number, all of it is stopped when that process ends.
    """
    local.up(settings, progress=progress, owner=owner)
    wiring = Wiring.of(settings, program="up")
    prepare(wiring, progress)
    if with_roles:
        local.up(settings, roles=site_roles(), owner=owner)
        await_topics(wiring)
        progress(f"roles: {', '.join(ROLE_NAMES)}")
        if missing := await_serving(wiring):
            progress(f"not at work yet: {', '.join(missing)}; meridian status says more")
    return wiring


def await_topics(wiring: Wiring) -> None:
    """Whoever brings a site up may ask at once: the decider has made its topics."""
    wanted = {wiring.topics.requests(machine) for machine in wiring.settings.partitions}
    logs, until = wiring.log(), time.monotonic() + _READY_WITHIN_S
    try:
        while not wanted <= set(logs.names()):
            if time.monotonic() > until:
                raise StackError(
                    f"the decider has not made {', '.join(sorted(wanted))} within {_READY_WITHIN_S:.0f} s; "
                    f"{wiring.settings.data / 'logs' / 'decider.log'} says why"
                )
            time.sleep(0.1)
    finally:
        logs.close()


def prepare(wiring: Wiring, progress: Progress) -> None:
    """The tables as this version wants them, and the archive's bucket."""
    from migrations import current, heads, upgrade

    url = wiring.endpoints.database
    _check_site(wiring)
    before = current(url)
    upgrade(url)
    if before != heads():
        progress(
            f"tables made: {', '.join(heads())}" if not before else f"tables brought to {', '.join(heads())}"
        )
    _check_whose(wiring)
    if wiring.storage().ensure_bucket(wiring.bucket):
        progress(f"bucket {wiring.bucket} made")


def _check_site(wiring: Wiring) -> None:
    engine = wiring.engine(pool_size=1)
    try:
        check_site(engine, wiring.settings.site)
    finally:
        engine.dispose()


def _check_whose(wiring: Wiring) -> None:
    """That the database is this site's, and the cluster the one with its ledger. Raises WrongSiteError and Halt."""
    logs, engine = wiring.log(), wiring.engine(pool_size=1)
    try:
        cluster_id = logs.cluster_id()
        claim(engine, site=wiring.settings.site, cluster_id=cluster_id)
        try:
            check_cluster(engine, cluster_id)
        except Halt as halt:
            note(engine, halt)
            raise
        note_over(engine)
    finally:
        engine.dispose()
        logs.close()


def site_roles() -> list[Role]:
    """The roles that a site on one machine runs, each in a process of its own."""
    environment = {"PYTHONPATH": str(PROJECT), "PYTHONSAFEPATH": "1"}
    return [
        Role(name=name, argv=(sys.executable, "-m", "service", "run", name), environment=environment)
        for name in ROLE_NAMES
    ]


def is_up(settings: Settings) -> bool:
    """All servers of the local stack answer and all roles run."""
    state = local.status(settings)
    wanted = {*local.local_servers(settings), *ROLE_NAMES}
    children = state.children if state else {}
    return all(name in children and children[name].condition is Condition.READY for name in wanted)


def children_of(settings: Settings) -> list[dict[str, Any]]:
    """What the local stack runs, as rows to print."""
    state = local.status(settings)
    return [
        {
            "name": child.name,
            "state": "up" if child.condition is Condition.READY else child.condition.value,
            "kind": "server" if child.is_server else "role",
            "version": child.version or None,
            "port": child.port,
            "pid": child.pid,
            "restarts": child.restarts or None,
            "note": child.reason or None,
            "log": str(child.log),
        }
        for child in (state.children.values() if state else ())
    ]
