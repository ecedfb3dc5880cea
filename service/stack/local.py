"""Starts the local stack, stops it, and tells where it is."""

from collections.abc import Sequence
from pathlib import Path

from service.settings import Settings
from service.stack import jars
from service.stack.asking import Progress, ask, await_ready, current_state, end
from service.stack.endpoints import SERVERS, Endpoints, S3Access
from service.stack.erasing import erased
from service.stack.failure import StackError
from service.stack.lock import holder, turn
from service.stack.orphans import stop_orphans
from service.stack.place import Place
from service.stack.postgres_home import note_of
from service.stack.postgres_server import database_url
from service.stack.s3_server import S3Server
from service.stack.state import ChildState, Condition, Role, StackState

__all__ = [
    "ChildState",
    "Condition",
    "Role",
    "StackState",
    "down",
    "endpoints",
    "local_servers",
    "status",
    "up",
]


def _quietly(_: str) -> None:
    """Tells nobody."""


def up(
    settings: Settings,
    *,
    roles: Sequence[Role] | None = None,
    owner: int | None = None,
    progress: Progress = _quietly,
    limit_s: float = 120.0,
) -> Endpoints:
    """Starts the servers that settings do not name, waits until they answer, and returns where all of them are.

    ``roles`` replaces the commands that run beside the servers; None leaves them as they are. What already runs is
    kept. With ``owner``, a process number, everything is stopped when that process ends.
    Raises StackError with the reason, the way out and the log's last lines when a server does not come up.
    """
    place = Place(settings.data)
    servers = local_servers(settings)
    if not servers and roles is None:
        return endpoints(settings)
    place.check_own()
    place.make()
    with turn(
        place.turn
    ):  # of two that make them at once, one would go on with passwords that are overwritten
        place.credentials()
    _fetch_jars(settings, place, servers, progress)
    with turn(place.turn):  # what two want at once would overwrite one another
        wanted = ask(settings, place, servers=servers, roles=roles, owner=owner)
        ran_before = status(settings) is not None
        try:
            await_ready(place, wanted, progress=progress, limit_s=limit_s)
        except StackError:
            if not ran_before:
                down(settings)
            raise
    return endpoints(settings)


def down(settings: Settings, *, erase: bool = False, limit_s: float = 60.0) -> bool:
    """Stops roles and servers; says whether anything ran. The data stay, unless ``erase``.

    Raises StackError where the folder is somebody else's, or where not all of it could be deleted.
    """
    place = Place(settings.data)
    if erase:
        place.check_own()
    pid = holder(place.lock)
    if pid:
        end(pid, place, limit_s)
    left = stop_orphans(place.children)
    if erase:
        for folder in filter(None, (note_of(place), place.root)):
            _erase(folder)
    return bool(pid or left)


def _erase(folder: Path) -> None:
    if erased(folder, within_s=2.0):
        return
    left = [path for path in folder.rglob("*") if not path.is_dir()]
    if left:
        raise StackError(
            f"{folder}: {len(left)} files could not be deleted, such as {left[0]}; wanted all of them gone; see whose "
            "they are, and delete them as that user"
        )


def status(settings: Settings) -> StackState | None:
    """What runs, as its supervisor last wrote it; None when no supervisor runs."""
    return current_state(Place(settings.data))


def endpoints(settings: Settings) -> Endpoints:
    """Each server where settings say it is, else where the local stack has it; StackError if it is nowhere."""
    servers = local_servers(settings)
    ports = _ports(settings, servers) if servers else {}
    kafka = settings.kafka or f"127.0.0.1:{ports['kafka']}"
    database = settings.database
    if not database:
        database = database_url(ports["postgres"], Place(settings.data).credentials().database_password)
    return Endpoints(kafka, database, _s3(settings, ports))


def local_servers(settings: Settings) -> tuple[str, ...]:
    """Those that settings do not name."""
    named = {"kafka": settings.kafka, "postgres": settings.database, "s3": settings.s3_endpoint}
    return tuple(name for name in SERVERS if not named[name])


def _s3(settings: Settings, ports: dict[str, int]) -> S3Access:
    region = settings.s3_region
    if settings.s3_endpoint:
        secret = settings.s3_secret_key.get_secret_value() if settings.s3_secret_key else ""
        return S3Access(settings.s3_endpoint, settings.s3_access_key or "", secret, region)
    made = Place(settings.data).credentials()
    return S3Access(S3Server.endpoint_at(ports["s3"]), made.s3_access_key, made.s3_secret_key, region)


def _ports(settings: Settings, servers: Sequence[str]) -> dict[str, int]:
    """Ports of the running local stack, which must have these servers."""
    state = status(settings)
    way_out = "start them with ./meridian up, or name others in MERIDIAN_KAFKA, MERIDIAN_DATABASE, MERIDIAN_S3_ENDPOINT"
    missing = [name for name in servers if not state or name not in state.children]
    if missing or not state:
        raise StackError(f"the local stack in {settings.data} does not run {', '.join(missing)}; {way_out}")
    return state.ports


def _fetch_jars(settings: Settings, place: Place, servers: Sequence[str], progress: Progress) -> None:
    """Downloads what is missing here, where somebody sees the progress; the supervisor then finds it."""
    names = [name for server, name in (("kafka", "kafka"), ("s3", "s3proxy")) if server in servers]
    needed = [jar for name in names for jar in jars.locked(name)]
    if needed:
        cache = jars.cache_folder(settings.cache, place.root / "jars")
        missing = jars.missing(needed, cache)
        if missing:
            progress(f"fetching {len(missing)} jars for Kafka and S3 (once, about 100 MB) to {cache}")
            jars.fetch(missing, cache)
