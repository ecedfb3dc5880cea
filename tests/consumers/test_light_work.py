"""Light work by hundreds: one look, one write for a batch, and one bad item of it spoils none of the others."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

import tests.simulation.sql_programs
import tests.simulation.sql_work  # noqa: F401  # what statements mean
from consumers import claims
from consumers.answer import Answer
from consumers.effects.preprocess import why_not_needed
from consumers.held import keep_configurations
from consumers.homes import Home, Homes
from consumers.light_claims import claim_all_light, steps_of_threads
from consumers.light_work import LightWork
from consumers.pace import Pace
from consumers.policies import criteria
from consumers.reporting import Reporting
from consumers.sender import Sender
from events.envelope import decode_request
from events.log import LogUnavailableError, Place
from events.memory_log import MemoryLog
from events.program_policy import ObservingPrograms
from events.topic_specs import topic_specs
from events.topics import MACHINES, Topics
from machines.program.verdict import judge
from tests.consumers.at_work import dispatched
from tests.consumers.programs_given import VISP, OpStory, dataset, wire
from tests.simulation.database import Database
from tests.simulation.scheduler import Scheduler

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TOPICS = Topics("test")
PACE = Pace(batch=5)
ONE = dataset("AAAA")
STAGED = ObservingPrograms(inputs="s3://landing/{dataset}/", work_area="file:///work/")


class AskedLog(MemoryLog):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.is_away = False

    def partitions(self, names: Iterable[str]) -> dict[str, int]:
        wanted = list(names)
        self.asked.append(wanted)
        if self.is_away:
            raise LogUnavailableError("told to be away")
        return super().partitions(wanted)


class Bench:
    """A worker's light thread by hand: what is dispatched is claimed and done, and can be looked at."""

    def __init__(self, pace: Pace = PACE) -> None:
        self.pace = pace
        self.database = Database(Scheduler(), lambda: NOW)
        self.log = AskedLog()
        self.log.ensure(topic_specs(TOPICS, dict.fromkeys(MACHINES, 1), ("soc",)))
        self.log.asked.clear()
        engine = cast("Any", self.database)
        tools = SimpleNamespace(
            engine=engine, log=self.log, topics=TOPICS, sender=Sender(self.log.writer), homes=Homes(engine),
            clock=lambda: NOW, worker="w1", answer_topics={},
        )  # fmt: skip
        self.tools = cast("Any", tools)
        self.reporting = Reporting(self.tools)
        self.light = LightWork(self.tools, self.reporting)

    def told(self, *records: Any) -> None:
        with self.database.begin() as connection:
            dispatched(cast("Any", connection), *records)

    def claim(self) -> list[claims.WorkItem]:
        with self.database.begin() as session:
            connection = cast("Any", session)
            standing = claims.stand(connection)
            home = self.tools.homes.last
            found, self.may_be_more = claim_all_light(
                connection, standing, home=home, owner="w1", pace=self.pace
            )
        return found

    def do_all(self) -> int:
        """Claims and does until there is nothing; how many items."""
        count = 0
        while items := self.claim():
            self.light.do(items)
            count += len(items)
        return count

    def requests(self) -> list[Any]:
        """What stands on the requests of observing programs."""
        return [decode_request(value) for value in self.values(TOPICS.requests("op"))]

    def values(self, topic: str) -> list[bytes]:
        reader, place = self.log.reader(), Place(topic, 0)
        reader.assign({place: 0})
        found: list[bytes] = []
        while more := reader.poll(at_most=1000, timeout_s=0.0).get(place, []):
            found += [message.value or b"" for message in more]
        return found

    def states(self, effect: str) -> dict[str, str]:
        """The states of items by subject."""
        rows = self.database.rows("work.item")
        return {row["subject"]: row["state"] for row in rows if row["effect"] == effect}

    def reason(self, effect: str, subject: str) -> str:
        rows = self.database.rows("work.item")
        return next(
            f"{row['parked_reason']}" for row in rows if (row["effect"], row["subject"]) == (effect, subject)
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ready(name: str, *, actor: str = "", correlationid: str = "") -> list[Any]:
    """An observing program that waits for its verdict; ``actor``: it was discovered by this sender's message."""
    story = OpStory(subject=name)
    told = {"source": "catalogue", "datasets": wire(ONE)}
    sent = {"actor": actor, "correlationid": correlationid, "causationid": f"{actor}/{correlationid}"}
    extensions = sent if actor else {}
    return [story.told("discover", told, **extensions), story.close(ONE)]


def passed(name: str) -> list[Any]:
    """One that has passed and waits to be staged."""
    story = OpStory(subject=name)
    records = [story.discover(ONE), story.close(ONE)]
    verdict = judge(VISP, [ONE], criteria()).model_dump(mode="json")
    return [*records, story.told("judge", {"verdict": verdict})]


def spoil(bench: Bench, table: str, subject: str, **members: Any) -> None:
    """Something that no code of ours would have written."""
    for row in bench.database.tables[table].values():
        if row["subject"] == subject and row.get("part", "program:").startswith("program:"):
            row.update(members)


# --- answers ---


def answered(bench: Bench) -> list[str | None]:
    return [Answer.decode(value).event_id for value in bench.values(TOPICS.answers("soc"))]


def test_the_senders_of_a_batch_are_looked_for_in_one_question():
    bench = Bench(Pace(batch=100))
    for number in range(12):
        actor = ("soc", "operator", "another")[number % 3]
        bench.told(*ready(f"op{number:02}", actor=actor, correlationid=f"e{number}")[:1])
    bench.light.do(bench.claim())
    assert bench.log.asked == [[TOPICS.answers(name) for name in ("another", "operator", "soc")]]
    assert sorted(answered(bench), key=str) == ["e0", "e3", "e6", "e9"]
    assert set(bench.states("answer").values()) == {"done"}


def test_a_topic_that_is_there_is_never_looked_for_again_and_a_missing_one_is(bench):
    for number, actor in enumerate(["soc", "operator", "soc", "operator"]):
        bench.told(*ready(f"op{number}", actor=actor, correlationid=f"e{number}")[:1])
        bench.do_all()
    asked = [topic for names in bench.log.asked for topic in names]
    assert asked == [TOPICS.answers("soc"), TOPICS.answers("operator"), TOPICS.answers("operator")]


def test_a_person_whose_name_is_none_for_a_topic_stops_nobody(bench):
    for number, actor in enumerate(["Jane Doe", "https://orcid.org/0000-0002-1825-0097", "soc"]):
        bench.told(*ready(f"op{number}", actor=actor, correlationid=f"e{number}")[:1])
    bench.do_all()
    assert bench.log.asked == [[TOPICS.answers("soc")]]
    assert answered(bench) == ["e2"]


def test_answers_wait_for_a_log_that_is_away(bench):
    bench.told(*ready("op1", actor="soc", correlationid="e1")[:1])
    bench.log.is_away = True
    items = [item for item in bench.claim() if item.effect == "answer"]
    bench.light.do(items)
    assert bench.states("answer") == {"op1": "open"}
    assert answered(bench) == []


# --- verdicts ---


def test_every_program_of_a_batch_gets_its_verdict_and_its_item_is_reported(bench):
    for number in range(12):
        bench.told(*ready(f"op{number:02}"))
    bench.do_all()
    verdicts = [request for request in bench.requests() if request.type == "op.judge"]
    assert sorted(request.subject for request in verdicts) == [f"op{number:02}" for number in range(12)]
    assert set(bench.states("qualify").values()) == {"reported"}


@pytest.mark.parametrize(
    ("table", "members"),
    [
        ("work.program_part", {"known": {"now": "nonsense"}}),
        ("work.program_dataset", {"told": {"frames": "x"}}),
    ],
)
def test_one_program_that_can_t_be_read_spoils_no_other_s_verdict(bench, table, members):
    for number in range(5):
        bench.told(*ready(f"op{number}"))
    spoil(bench, table, "op3", **members)
    bench.do_all()
    judged = {request.subject for request in bench.requests() if request.type == "op.judge"}
    assert judged == {"op0", "op1", "op2", "op4"}
    states = bench.states("qualify")
    assert states.pop("op3") == "parked"
    assert set(states.values()) == {"reported"}
    assert "qualify raised" in bench.reason("qualify", "op3")


def test_one_report_that_can_t_be_written_down_spoils_no_other(bench, monkeypatch):
    for number in range(5):
        bench.told(*ready(f"op{number}"))
    put = bench.reporting.report

    def refusing(asks: Sequence[Any]) -> None:
        if any(ask.subject == "op2" for ask in asks):
            raise TypeError("Integer exceeds 64-bit range")
        put(asks)

    monkeypatch.setattr(bench.reporting, "report", refusing)
    bench.do_all()
    states = bench.states("qualify")
    assert states.pop("op2") == "parked"
    assert set(states.values()) == {"reported"}


def test_failures_of_a_batch_are_reported_together_and_one_that_can_t_be_said_is_parked(bench, monkeypatch):
    for number in range(5):
        bench.told(*ready(f"op{number}"))
        spoil(bench, "work.program_dataset", f"op{number}", is_gone=True)
    kept = next(
        row
        for row in bench.database.rows("work.program_part")
        if row["subject"] == "op3" and "now" in row["known"]
    )
    spoil(bench, "work.program_part", "op3", known={**kept["known"], "failed": "nonsense"})
    written: list[int] = []
    put = bench.reporting.report

    def counting(asks: Sequence[Any]) -> None:
        written.append(len(asks))
        put(asks)

    monkeypatch.setattr(bench.reporting, "report", counting)
    bench.do_all()
    failed = [request for request in bench.requests() if request.type == "op.fail"]
    assert {request.data["code"] for request in failed} == {"DATASETS_UNKNOWN"}
    assert sorted(request.subject for request in failed) == ["op0", "op1", "op2", "op4"]
    assert written == [4]
    assert bench.states("qualify").pop("op3") == "parked"


def test_a_batch_waits_together_for_a_log_that_is_away(bench, monkeypatch):
    for number in range(5):
        bench.told(*ready(f"op{number}"))

    def away(_: Any) -> None:
        raise LogUnavailableError("told to be away")

    items = bench.claim()
    monkeypatch.setattr(bench.tools.sender, "send_all", away)
    bench.light.do(items)
    assert set(bench.states("qualify").values()) == {"open"}
    assert [row["failures"] for row in bench.database.rows("work.breaker")] == [1]


def test_whoever_has_lost_its_lease_reports_nothing(bench):
    bench.told(*ready("op0"), *ready("op1"))
    items = [item for item in bench.claim() if item.effect == "qualify"]
    with bench.database.begin() as connection:
        claims.release_owned(cast("Any", connection), "w1")
    bench.light.do(items)
    assert bench.requests() == []


# --- staging that is not needed ---


def test_programs_of_which_nothing_is_staged_are_reported_together(bench):
    for number in range(4):
        bench.told(*passed(f"op{number}"))
    items = bench.claim()
    assert {item.effect for item in items} == {"preprocess"}
    bench.light.do(items)
    found = bench.requests()
    assert {request.type for request in found} == {"op.not_needed"}
    assert sorted(request.subject for request in found) == [f"op{number}" for number in range(4)]
    assert {request.data["frames"] for request in found} == {100}
    assert set(bench.states("preprocess").values()) == {"reported"}


def test_verdicts_go_before_staging_and_staging_goes_on(bench):
    for number in range(9):
        bench.told(*passed(f"old{number}"))
    for number in range(12):
        bench.told(*ready(f"new{number:02}"))
    taken = []
    while items := bench.claim():
        taken.append(
            (
                sum(item.effect == "qualify" for item in items),
                sum(item.effect == "preprocess" for item in items),
            )
        )
        bench.light.do(items)
    assert taken == [(5, 1), (5, 1), (2, 5), (0, 2)]


def test_verdicts_go_before_answers_and_answers_go_on(bench):
    for number in range(7):
        bench.told(*ready(f"op{number}", actor="soc", correlationid=f"e{number}"))
    taken = []
    while items := bench.claim():
        taken.append(tuple(sum(item.effect == effect for item in items) for effect in ("qualify", "answer")))
        bench.light.do(items)
    assert taken == [(5, 1), (2, 5), (0, 1)]


def test_a_batch_that_was_full_says_that_there_may_be_more(bench):
    for number in range(6):
        bench.told(*passed(f"op{number}"))
    assert (len(bench.claim()), bench.may_be_more) == (5, True)
    assert (len(bench.claim()), bench.may_be_more) == (1, False)


def test_where_inputs_are_staged_a_thread_does_it(bench):
    home = Home(STAGED)
    assert why_not_needed(home) is None
    assert "preprocess" in steps_of_threads(home)
    assert "preprocess" not in steps_of_threads(Home())
    assert steps_of_threads(Home()) == tuple(each for each in steps_of_threads(home) if each != "preprocess")


def test_staging_that_has_come_to_be_needed_is_given_back_and_left_to_the_threads(bench):
    bench.told(*passed("op1"))
    items = bench.claim()
    with bench.database.begin() as connection:
        told = {"stream": "dkist", "programs": STAGED.model_dump(mode="json", exclude_none=True)}
        row = {"stream": "dkist", "configuration_version": 1, "configuration": told}
        keep_configurations(cast("Any", connection), [row])
    bench.light.do(items)
    assert bench.requests() == []
    assert bench.states("preprocess") == {"op1": "open"}
    assert [item for item in bench.claim() if item.effect == "preprocess"] == []
    assert "preprocess" in steps_of_threads(bench.tools.homes.last)
