"""What can be set from outside, by ``MERIDIAN_…`` variables or a file."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.settings_errors import SettingsError, explained

__all__ = ["PREFIX", "PROJECT", "Settings", "SettingsError", "load"]

PREFIX = "MERIDIAN_"
PROJECT = Path(__file__).resolve().parent.parent
PARTITIONS: Mapping[str, int] = {"file": 4, "group": 4, "identity": 2, "op": 2, "stream": 1}

_BROKER = re.compile(r"[A-Za-z0-9._-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def _brokers(text: str) -> str:
    brokers = [part.strip() for part in text.split(",")]
    if not all(_BROKER.fullmatch(broker) for broker in brokers):
        raise ValueError("wanted host:port, or several with commas, such as 127.0.0.1:9092")
    return ",".join(brokers)


def _database(text: str) -> str:
    """The same address for psycopg2, whatever its scheme is called elsewhere."""
    for scheme in ("postgres://", "postgresql://", "postgresql+psycopg2://"):
        if text.startswith(scheme) and len(text) > len(scheme):
            return "postgresql+psycopg2://" + text.removeprefix(scheme)
    raise ValueError("wanted an address such as postgresql://user:password@host:5432/database")


def _endpoint(text: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", text):
        raise ValueError("wanted an address such as http://127.0.0.1:9000")
    return text.rstrip("/")


def _partitions(value: object) -> object:
    """`{"file": 8}` or `file=8,stream=2`; machines that are not named keep their number."""
    if isinstance(value, str):
        value = _parsed_partitions(value)
    return {**PARTITIONS, **value} if isinstance(value, dict) else value


def _parsed_partitions(text: str) -> object:
    wanted = 'wanted {"file": 8} or file=8,stream=2'
    try:
        if text.lstrip().startswith("{"):
            return json.loads(text)
        return {name.strip(): int(count) for name, count in (pair.split("=") for pair in text.split(","))}
    except ValueError as error:
        raise ValueError(wanted) from error


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _data_folder() -> Path:
    """Beside the code in a checkout; in the user's own place where the code was installed as a package."""
    return PROJECT / ".meridian" if (PROJECT / "pyproject.toml").exists() else Path("~/.local/share/meridian")


Folder = Annotated[Path, AfterValidator(_absolute)]


class Settings(BaseSettings):
    """Everything that differs between installations; servers that are not named are the local stack's."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    site: str = Field(
        default="meridian",
        pattern=r"^[a-z][a-z0-9-]{0,30}$",
        description="the installation's name and the prefix of its topics: "
        "lower-case letters, digits and -, a letter first, 31 at most",
    )
    data: Folder = Field(
        default_factory=_data_folder, description="the folder for the local stack's data, logs and state"
    )
    kafka: Annotated[str, AfterValidator(_brokers)] | None = Field(
        default=None, description="brokers of a running Kafka, host:port with commas between"
    )
    database: Annotated[str, AfterValidator(_database)] | None = Field(
        default=None, repr=False, description="address of a running PostgreSQL's database"
    )
    s3_endpoint: Annotated[str, AfterValidator(_endpoint)] | None = Field(
        default=None, description="address of a running S3 server"
    )
    s3_access_key: str | None = Field(default=None, description="access key for the S3 server")
    s3_secret_key: SecretStr | None = Field(default=None, description="secret key for the S3 server")
    s3_region: str = Field(
        default="us-east-1", min_length=1, description="region that S3 requests are signed for"
    )
    s3_bucket: str = Field(default="", description="the archive's bucket, <site>-archive if not given")
    s3_parts_above_mib: int = Field(
        default=512,
        ge=5,
        le=5120,
        description="larger files are put in parts, and taken up where a put that was cut off ended; 5 to 5120 MiB",
    )
    globus_client_id: str | None = Field(
        default=None, description="the site's application at Globus, where products are delivered by it"
    )
    globus_client_secret: SecretStr | None = Field(default=None, description="secret of that application")
    staging_gib: float = Field(
        default=20.0,
        ge=0,
        le=1_000_000,
        description="what fetched copies may take on a worker's disk between their check and their copy, GiB; "
        "0: none are kept, and files of stores are fetched twice",
    )
    staging_hours: float = Field(
        default=1.0,
        gt=0,
        le=8760,
        description="how long such a copy is kept, hours; then it is fetched again",
    )
    reader_s: float = Field(
        default=9.0,
        ge=1,
        le=3600,
        description="how long a child may read a file of up to 128 MiB, whatever the load, seconds; larger ones have "
        "more, in proportion. Two thirds of it is the processor time that a file may take: more is LIMIT_EXCEEDED. "
        "A file whose reader others held up is tried again (READER_HELD_UP)",
    )
    disk_live_only_percent: float = Field(
        default=85.0, gt=0, le=100, description="from so full a disk on only live files are taken, percent"
    )
    disk_full_percent: float = Field(
        default=95.0, gt=0, le=100, description="from so full a disk on nothing is copied, percent"
    )
    partitions: Annotated[dict[str, PositiveInt], NoDecode, BeforeValidator(_partitions)] = Field(
        default=dict(PARTITIONS),
        description="partitions of each machine's topics, 1 or more, fixed once the topics exist",
    )
    workers: PositiveInt = Field(default=1, description="worker processes of the role consumers, 1 or more")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error: what roles say in their logs"
    )
    java_home: Folder | None = Field(
        default=None, description="home of a Java of 17 or newer, for the local stack"
    )
    postgres_bin: Folder | None = Field(
        default=None, description="folder of postgres and initdb, 15 or newer, for the local stack"
    )
    cache: Folder | None = Field(
        default=None, description="folder for downloaded jars, the user's cache folder if not given"
    )

    @field_validator("s3_bucket")
    @classmethod
    def _bucket(cls, value: str) -> str:
        if value and not _BUCKET.fullmatch(value):
            raise ValueError("wanted 3 to 63 lower-case letters, digits, . and -, such as meridian-archive")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.s3_bucket:
            # The only default that depends on another setting; the object is frozen for everybody else.
            object.__setattr__(self, "s3_bucket", f"{self.site}-archive")
        if self.disk_live_only_percent > self.disk_full_percent:
            raise ValueError(
                f"found {PREFIX}DISK_LIVE_ONLY_PERCENT {self.disk_live_only_percent:g} above "
                f"{PREFIX}DISK_FULL_PERCENT {self.disk_full_percent:g}, wanted it at most that"
            )
        missing = [name for name in ("s3_access_key", "s3_secret_key") if getattr(self, name) is None]
        if self.s3_endpoint and missing:
            names = " and ".join(PREFIX + name.upper() for name in missing)
            raise ValueError(
                f"{PREFIX}S3_ENDPOINT names a server, but nothing says how to sign in; set {names}"
            )
        return self

    def environment(self) -> dict[str, str]:
        """The same as variables, secrets in plain words, for a child process: wherever each of them came from."""
        return {
            PREFIX + name.upper(): _as_variable(value)
            for name, value in self.model_dump().items()
            if value is not None
        }


def _as_variable(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return ",".join(f"{name}={count}" for name, count in value.items())
    return str(value)


def load(config: Path | None = None, **given: Any) -> Settings:
    """Settings from what the caller gives, else the environment, else the file ``config``, else the defaults.

    The file is TOML with the fields' names, or, if it ends in ``.env``, lines such as ``MERIDIAN_SITE=keck``.
    Raises SettingsError, whose text names the setting, what was found and what was wanted.
    """
    filed = _read(config) if config else {}
    filed = {name: value for name, value in filed.items() if not os.environ.get(PREFIX + name.upper())}
    try:
        return Settings(**(filed | given))
    except ValidationError as error:
        raise SettingsError(explained(error, Settings, prefix=PREFIX, config=config, filed=filed)) from error


def _read(config: Path) -> dict[str, Any]:
    try:
        if config.suffix == ".env" or config.name == ".env":
            pairs = dotenv_values(stream=StringIO(config.read_text()))
            return {name.removeprefix(PREFIX).lower(): value for name, value in pairs.items()}
        return tomllib.loads(config.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        wanted = 'wanted a TOML file with lines such as kafka = "host:9092"'
        raise SettingsError(f"{config} can't be read as settings: {error}; {wanted}") from error
