"""PostgreSQL on loopback, in a folder of its own, never as root."""

import logging
import os
import shutil
import signal
import subprocess
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2

from service.stack.account import demoted
from service.stack.failure import StackError
from service.stack.ports import LOOPBACK
from service.stack.postgres_binaries import Binaries
from service.stack.server import Account, Launch

__all__ = ["DATABASE", "PostgresServer", "database_url", "major_of"]

log = logging.getLogger(__name__)

DATABASE = USER = "meridian"

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may have 107 characters, which a data folder can exceed
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",  # our statements are short
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


class PostgresServer:
    """One server, its cluster in ``home``/data."""

    name = "postgres"

    def __init__(
        self, *, home: Path, binaries: Binaries, account: Account | None, port: int, password: str
    ) -> None:
        self.home = home
        self.binaries = binaries
        self.account = account
        self.port = port
        self.password = password
        self.version = binaries.version

    @property
    def data(self) -> Path:
        return self.home / "data"

    def prepare(self) -> Launch:
        if major_of(self.home) is None:
            self._initialise()
        _forget_dead_postmaster(self.data)
        options = [text for name, value in SETTINGS.items() for text in ("-c", f"{name}={value}")]
        return Launch(
            (str(self.binaries.folder / "postgres"), "-D", str(self.data), "-p", str(self.port), *options),
            account=self.account,
            stop_signal=signal.SIGINT,  # waits for nobody, but writes everything down
            stop_limit_s=30,
        )

    def is_ready(self) -> bool:
        """Answers in our database, which is made when it is not there yet."""
        try:
            with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
                connection.autocommit = True
                cursor.execute(
                    "SELECT pg_is_in_recovery(), EXISTS (SELECT FROM pg_database WHERE datname = %s)",
                    (DATABASE,),
                )
                recovering, exists = cursor.fetchone()
                if not exists and not recovering:
                    cursor.execute(f'CREATE DATABASE "{DATABASE}"')
                return not recovering
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise StackError(
                    f"the database in {self.data} has another password than credentials.json; "
                    "put that file back, or give it this one: ./meridian down, then ./meridian doctor --repair"
                ) from error
            return False

    def take_password(self) -> None:
        """Give the database our password, whatever it had; it must not run, and is not asked for the former one."""
        _forget_dead_postmaster(self.data)
        secret = self.password.replace("'", "''")
        done = subprocess.run(
            [str(self.binaries.folder / "postgres"), "--single", "-D", str(self.data), "postgres"],
            input=f"ALTER ROLE \"{USER}\" PASSWORD '{secret}'\n",
            capture_output=True,
            text=True,
            check=False,
            **demoted(self.account),
        )
        # Such a server ends with 0 even where it refused, and what it says may repeat the password.
        refused = [line for line in done.stderr.splitlines() if "ERROR:" in line or "FATAL:" in line]
        if done.returncode or refused:
            raise StackError(
                f"the database in {self.data} did not take a new password: {' '.join(refused) or done.returncode}; "
                "wanted it stopped and whole; see the end of its log, postgres.log"
            )

    def _connect(self, database: str) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=LOOPBACK,
            port=self.port,
            user=USER,
            password=self.password,
            dbname=database,
            connect_timeout=3,
        )

    def _initialise(self) -> None:
        """A new cluster, made beside its place and moved there when it is whole."""
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        secret = self.home / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        if self.account:
            os.chown(secret, self.account.uid, self.account.gid)
        command = [str(self.binaries.folder / "initdb"), "-D", str(fresh), "-U", USER, f"--pwfile={secret}"]
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, check=False, **demoted(self.account)
        )
        secret.unlink()
        if done.returncode:
            raise StackError(
                f"{self.data} can't be made: {done.stderr.strip()[-500:]}; wanted a folder with space to write"
            )
        os.sync()
        fresh.rename(self.data)


def database_url(port: int, password: str) -> str:
    """The address of our database, as SQLAlchemy wants it."""
    return f"postgresql+psycopg2://{USER}:{password}@{LOOPBACK}:{port}/{DATABASE}"


def major_of(home: Path) -> int | None:
    """The PostgreSQL version that made the data, if there is any."""
    try:
        return int((home / "data" / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def _forget_dead_postmaster(data: Path) -> None:
    """Removes the note of a server that is gone, so that its number, now another process's, stops nobody."""
    note = data / "postmaster.pid"
    try:
        process = psutil.Process(int(note.read_text().splitlines()[0]))
        if str(data) in process.cmdline():
            return
    except FileNotFoundError:
        return
    except (psutil.Error, ValueError, IndexError) as error:
        # Nobody there, or nothing readable: the note is worth nothing.
        log.info("note of a dead server removed", extra={"note": str(note), "found": repr(error)})
    note.unlink(missing_ok=True)
