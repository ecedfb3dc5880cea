"""Passwords of the local stack that were lost: noticed by the doctor, and made anew while nothing runs."""

from service.settings import Settings
from service.stack.account import choose_account
from service.stack.checkup import Check, judged
from service.stack.failure import StackError
from service.stack.local import local_servers
from service.stack.lock import holder
from service.stack.place import Place
from service.stack.postgres_binaries import find_binaries, within_reach
from service.stack.postgres_home import note_of
from service.stack.postgres_server import PostgresServer, major_of

__all__ = ["make_anew", "passwords"]

_WAY_OUT = "put credentials.json back, or stop the stack and make new ones: ./meridian doctor --repair"


def passwords(settings: Settings) -> Check:
    """Whether the passwords of the servers that run here are there to be read."""
    place = Place(settings.data)
    path = place.credentials_file
    if not path.exists():
        is_fresh = major_of(note_of(place) or place.root / "postgres") is None
        found = "none needed before the first start" if is_fresh else f"{path} is gone, the database is not"
        return judged("passwords", fine=is_fresh, found=found, remedy=_WAY_OUT)
    try:
        place.credentials()
    except StackError as error:
        return judged("passwords", fine=False, found=str(error).partition(";")[0], remedy=_WAY_OUT)
    return judged("passwords", fine=True, found=f"in {path}", remedy="")


def make_anew(settings: Settings) -> str:
    """Make passwords where they are lost and tell the database its own; says what was done. Nothing of the data goes.

    Raises StackError where the stack runs: the database is told its password while nobody uses it.
    """
    place = Place(settings.data)
    if not local_servers(settings):
        return "passwords: all servers are elsewhere, nothing to mend here"
    pid = holder(place.lock)
    if pid:
        raise StackError(
            f"found the local stack running, process {pid}, wanted it stopped, as passwords are mended while nobody "
            "uses them; ./meridian down, then ./meridian doctor --repair"
        )
    place.make()
    aside = _set_aside(place)
    secret = place.credentials()
    home = note_of(place) or place.root / "postgres"
    if major_of(home) is not None:
        account = choose_account(home / "data")
        binaries = within_reach(find_binaries(settings.postgres_bin, major=major_of(home)), account)
        server = PostgresServer(
            home=home, binaries=binaries, account=account, port=0, password=secret.database_password
        )
        server.take_password()
    return f"passwords: those in {place.credentials_file} are the database's now{aside}; next: ./meridian up"


def _set_aside(place: Place) -> str:
    """A file that can't be read is kept beside the new one."""
    try:
        place.credentials()
    except StackError:
        aside = place.credentials_file.with_suffix(".unreadable")
        place.credentials_file.replace(aside)
        return f", and what could not be read is {aside}"
    return ""
