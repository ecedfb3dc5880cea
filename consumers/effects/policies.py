"""Other policies are in force: programs that older ones have judged or kept open are looked at again, page by page."""

from collections.abc import Iterator, Sequence

from consumers.claims import WorkItem
from consumers.effects.asking import Ask
from consumers.effects.judging import closing_request, other_verdict, standing_now
from consumers.homes import criteria_in_force, readiness_in_force
from consumers.known_programs import KnownPart, datasets_of, programs_after
from consumers.sender import Outgoing
from consumers.tools import Tools
from events.base import Request
from events.ids import derived_id
from events.op_parts import Dataset
from machines.program.criteria import Criteria
from machines.program.readiness import ReadinessPolicy

__all__ = ["look_again"]

_PAGE = 500

Place = tuple[str, str]


def look_again(item: WorkItem, tools: Tools) -> None:
    """Ask for every program that the policies in force see otherwise; asked twice it is the same request.

    Raises Failed where a policy is none, LogError and the database's errors; then it is begun again from the start.
    """
    home = tools.homes.now()
    criteria, policy = criteria_in_force(home), readiness_in_force(home)
    place: Place | None = ("", "")
    while place is not None:
        with tools.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            page = programs_after(connection, place, at_most=_PAGE)
            wanted = [(subject, part.partition(":")[2]) for subject, part in page]
            datasets = datasets_of(connection, wanted)
        outgoing: list[Outgoing] = []
        for (subject, part), known in page.items():
            members = [each.dataset for each in datasets[subject, part.partition(":")[2]]]
            for request in _wanted(known, members, criteria, policy, tools):
                asked = derived_id(item.event_id, f"{request.name} {subject} {part}", item.try_number)
                ask = Ask(request, item, asked, subject)
                outgoing.append(ask.outgoing(tools.topics, source=tools.worker, at=tools.clock()))
        tools.sender.send_all(outgoing)
        place = max(page) if len(page) == _PAGE else None


def _wanted(
    known: KnownPart,
    datasets: Sequence[Dataset],
    criteria: Sequence[Criteria],
    policy: ReadinessPolicy,
    tools: Tools,
) -> Iterator[Request]:
    now = standing_now(known.known)
    if not now.is_ready:
        request = closing_request(now, datasets, policy, at=tools.clock())
        if request is not None:
            yield request
        return
    again = other_verdict(now.program, known.known.get("verdict"), datasets, criteria)
    if again is not None:
        yield again
