"""What a filter of files names has to exist: asked once nothing was found, for nothing would then be no answer."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import TYPE_CHECKING

from service.cli.errors import WrongUseError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from events.codes import Kind
    from service.cli.selecting import Selection

__all__ = ["check_known", "check_streams"]

NAMED_AT_MOST = 24
"""Names in a message; beyond them a command is named that lists all."""

_PROBLEMS: tuple["Kind", ...] = ("invalid", "failed", "waiting")


def check_known(connection: "Connection", selection: "Selection") -> None:
    """Raises WrongUseError for a stream, code, warning, check or owner that there is not, naming those there are."""
    check_streams(connection, selection.stream)
    _check_codes(connection, selection)
    _check_warnings(connection, selection)
    _check_checks(connection, selection)
    _check_owner(connection, selection.owner)


def check_streams(connection: "Connection", given: list[str] | None) -> None:
    """Raises WrongUseError for a stream that there is not."""
    from projectors.stream_search import not_streams

    strange, known = not_streams(connection, given or ())
    if strange:
        wanted = f"one of {', '.join(known)}" if known else "one that was applied; there are none yet"
        raise WrongUseError(f"--stream {strange[0]}: wanted {wanted}")


def _check_codes(connection: "Connection", selection: "Selection") -> None:
    from projectors.names_seen import is_code_seen

    for code in (each.upper() for each in selection.code or ()):
        if not (_is_explained(code, _PROBLEMS) or is_code_seen(connection, code)):
            raise WrongUseError(_no_code("--code", code, "open problem", _PROBLEMS))


def _check_warnings(connection: "Connection", selection: "Selection") -> None:
    from projectors.names_seen import is_warning_seen

    for code in (each.upper() for each in selection.warning or ()):
        if not (_is_explained(code, ("warning",)) or is_warning_seen(connection, code)):
            raise WrongUseError(_no_code("--warning", code, "warning", ("warning",)))


def _is_explained(code: str, kinds: "tuple[Kind, ...]") -> bool:
    """It is in the table of codes, or the code of a check that is known."""
    from consumers.checks import known_checks
    from consumers.checks.check import code_of
    from events.codes import codes

    return any(each.code == code for each in codes(*kinds)) or any(
        code_of(name) == code for name in known_checks()
    )


def _no_code(option: str, code: str, what: str, kinds: "tuple[Kind, ...]") -> str:
    """What is wrong with it: it is of another kind, it is misspelled, or nobody knows it."""
    from events.codes import codes

    known = sorted({each.code for each in codes(*kinds)})
    other = next((each.kind for each in codes() if each.code == code), None)
    found = f"{option} {code}: found no such {what}" + (f" (it is a code of {other})" if other else "")
    listed = " or ".join(f"meridian codes --kind {kind}" for kind in kinds)
    return f"{found}, wanted one of those that {listed} lists{_meant(code, known)}"


def _check_checks(connection: "Connection", selection: "Selection") -> None:
    from service.cli.bounds import read_bound

    bounds = [read_bound(each) for each in selection.qa or ()]
    if not bounds:
        return
    from consumers.checks import known_checks
    from projectors.names_seen import checks_seen
    from projectors.stream_rules import read_rules

    seen = checks_seen(connection)
    configured = [rule.configuration for rule in read_rules(connection).values()]
    ruled = {name for each in configured for name in (*each.checks, *(rule.check for rule in each.qa))}
    known = {*seen, *ruled, *known_checks()}
    for bound in bounds:
        if bound.check not in known:
            raise WrongUseError(
                f"--qa {bound.check}: found no check of that name, wanted {_listed(seen or sorted(known))}"
                f"{_meant(bound.check, known)}; meridian report checks lists those that are declared"
            )


def _check_owner(connection: "Connection", owner: str | None) -> None:
    from projectors.names_seen import owners

    if owner is None or owner in (known := owners(connection)):
        return
    wanted = _listed(known) if known else "one; no stream has an owner, and no observing program"
    raise WrongUseError(
        f"--owner {owner}: found nobody's stream or program, wanted {wanted}{_meant(owner, known)}"
    )


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED_AT_MOST
    return f"one of {', '.join(names[:NAMED_AT_MOST])}" + (f" and {more} more" if more > 0 else "")


def _meant(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, sorted(known), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}" if close else ""
