"""Looks at everything Meridian needs, and says of each what was found and what would help."""

from collections.abc import Iterator, Sequence

from service.settings import Settings
from service.stack import doctor_machine, doctor_servers
from service.stack.checkup import Check, Outcome
from service.stack.failure import StackError
from service.stack.local import endpoints, local_servers
from service.stack.lost_passwords import passwords

__all__ = ["Check", "Outcome", "examine"]


def examine(settings: Settings) -> list[Check]:
    """All checks, in the order in which one would mend things. It changes nothing that stays."""
    checks = list(_machine(settings))
    try:
        found = endpoints(settings)
    except StackError as error:
        return [*checks, Check("servers", Outcome.WRONG, str(error), "./meridian up")]
    return [*checks, *(check(settings, found) for check in doctor_servers.CHECKS)]


def _machine(settings: Settings) -> Iterator[Check]:
    needed: Sequence[str] = local_servers(settings)
    for check in doctor_machine.CHECKS:
        yield check(settings)
    if {"kafka", "s3"} & set(needed):
        yield doctor_machine.java(settings)
        yield doctor_machine.jars_at_hand(settings)
    if "postgres" in needed:
        yield doctor_machine.postgresql(settings)
    if needed:
        yield passwords(settings)
        yield doctor_machine.local_ports(settings)
