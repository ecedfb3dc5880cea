"""Which policies are in force for observing programs: those of the stream that is their home, by its configuration."""

from typing import NamedTuple, TypeVar

from sqlalchemy import Engine, text

from consumers.failures import Failed
from consumers.policies import shipped
from events.program_policy import InForce, ObservingPrograms
from events.stream import RetryPolicy, StreamConfiguration
from machines.program.criteria import Criteria
from machines.program.readiness import ReadinessPolicy

__all__ = ["Home", "Homes", "criteria_in_force", "readiness_in_force"]

Policy = TypeVar("Policy", Criteria, ReadinessPolicy)


class Home(NamedTuple):
    """What is in force, and where that is written. Without a stream: what the program takes for granted."""

    programs: ObservingPrograms = ObservingPrograms()
    retry: RetryPolicy = RetryPolicy()
    stream: str | None = None
    version: int = 1


class Homes:
    """The policies in force now, as dispatch has met them; of several homes the first by name counts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last = Home()

    @property
    def last(self) -> Home:
        """What was in force when it was last asked for, without a look: for those who find out when it is another."""
        return self._last

    def now(self) -> Home:
        """Raises one of ``OUTAGES`` where the database is away."""
        with self._engine.connect() as connection:
            row = connection.execute(_HOME).one_or_none()
            if row is None:
                self._last = Home()
                return self._last
            last = self._last
            if (last.stream, last.version) == (row.stream, row.configuration_version):
                return last
            found = connection.execute(_CONFIGURATION, row._asdict()).scalar_one()
        configuration = StreamConfiguration.model_validate(found)
        programs = configuration.programs or ObservingPrograms()
        self._last = Home(programs, configuration.retry, row.stream, row.configuration_version)
        return self._last


def criteria_in_force(home: Home) -> tuple[Criteria, ...]:
    """The sets of criteria that judge, in their order. Raises Failed for one that is not there or is none."""
    return tuple(_criteria(each) for each in home.programs.criteria)


def readiness_in_force(home: Home) -> ReadinessPolicy:
    """What closes programs. Raises Failed where it is not there or is none."""
    wanted = home.programs.readiness
    return _policy(wanted, "readiness", f"readiness-v{wanted.version}.toml", ReadinessPolicy)


def _criteria(wanted: InForce) -> Criteria:
    return _policy(wanted, "criteria", f"{wanted.name}-v{wanted.version}.toml", Criteria)


def _policy(wanted: InForce, what: str, file: str, kind: type[Policy]) -> Policy:
    """The policy as written out, or as shipped; it has to call itself as it is called."""
    label = f"{wanted.name} v{wanted.version}"
    code = f"{what.upper()}_UNKNOWN"
    try:
        found = shipped(file, kind) if wanted.members is None else kind.model_validate(wanted.members)
    except (OSError, ValueError) as error:
        message = (
            f"the {what} {label} can't be used: {error}; apply a configuration with others, then recover"
        )
        raise Failed(code, "data", message, wanted=label) from error
    if (found.name, found.version) != (wanted.name, wanted.version):
        own = f"{found.name} v{found.version}"
        message = f"the {what} written under {label} call themselves {own}; give them one name"
        raise Failed(code, "data", message, found=own, wanted=label)
    return found


_HOME = text("""
    SELECT stream, configuration_version FROM (
        SELECT DISTINCT ON (stream) stream, configuration_version, configuration ? 'programs' AS is_home
        FROM work.stream_configuration ORDER BY stream, configuration_version DESC) AS newest
    WHERE is_home ORDER BY stream LIMIT 1
""")

_CONFIGURATION = text("""
    SELECT configuration FROM work.stream_configuration
    WHERE stream = :stream AND configuration_version = :configuration_version
""")
