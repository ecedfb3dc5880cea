"""Asks an observing program at random, and checks what always holds of it, and of its replay."""

import random
from typing import Any

from events.chain import verify
from events.envelope import decode_record
from machines.op_life import OP_LIFE
from machines.op_state import GOING, OPEN, Attempt, AttemptState, Op, OpState
from tests.machines.given import Story
from tests.machines.given_op import (
    FAILED,
    LEASE,
    NOW,
    OP_ID,
    VERIFIED,
    a_dataset,
    a_verdict,
    cover,
    outputs,
    products,
)

PROGRAMS = ("id.a", "id.b", "id.vbi")
PEOPLE = ("ann", "bob", "eve")
WORDS = (
    "discover", "datasets", "metadata", "gone", "await", "quiet_due", "ready", "judge",
    "requalify", "preprocessed", "not_needed", "claim", "reinvert", "extend", "hand_over",
    "release", "lease_due", "hand_in", "inverted", "hand_in_refused", "review", "publish",
    "step_done", "published", "withdraw", "withdrawn", "embargo", "lift", "fail", "recover",
    "prioritise", "assign", "overdue", "hold", "unhold", "note", "unstage", "unstaged",
)  # fmt: skip


PLACES = ("file:///area/a", "file:///area/b", "file:///area/c")
STAGED: dict[str, Any] = {"location": PLACES[0], "files": 1, "size_bytes": 1}
Asked = tuple[str, dict[str, Any], dict[str, Any]]
_NEXT = {
    "Working": "hand_in",
    "HandedIn": "inverted",
    "Verified": "review",
    "Accepted": "publish",
    "Publishing": "step_done",
    "Withdrawing": "withdrawn",
}


class Asker:
    """Asks an observing program at random, but mostly for something that has a chance."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.story = Story("op", OP_ID)
        self.reached: set[tuple[str, str | None, str | None]] = set()

    @property
    def op(self) -> Op:
        state: Op = self.story.state.state
        return state

    def ask(self, word: str) -> Any:
        """One request; nothing that is asked may make deciding raise."""
        return self._ask(word, *self._data(word))

    def go_on(self) -> Any:
        """What would take a program or an attempt further, whichever of them."""
        found = [self._next_of(each) for each in PROGRAMS]
        found += [self._after(each) for each in self.op.attempts.values()]
        steps = [each for each in found if each is not None]
        return self._ask(*self.dice.choice(steps)) if steps else self.ask("discover")

    def _next_of(self, name: str) -> Asked | None:
        program = self.op.programs.get(name)
        if program is None or not program.cover["datasets"]:
            return None
        if not program.is_ready:
            return "ready", {"by": "operator", "program": name}, {}
        if program.state == "Discovered":
            return "judge", self._judge(name), {}
        if program.state == "Invertible":
            word, told = self.dice.choice([("not_needed", {"because": "small"}), ("preprocessed", STAGED)])
            return word, {"program": name, "cover": dict(program.cover), **told}, {}
        going = [where for where, (_, told) in program.areas.items() if told == GOING]
        if going and self.dice.random() < 0.5:
            return "unstaged", {"program": name, "location": going[0], "is_gone": True, "message": ""}, {}
        if program.areas and self.dice.random() < 0.2:
            where = self.dice.choice(list(program.areas))
            return "unstage", {"program": name, "location": where, "policy": "staged-age"}, {}
        if program.state == "Preprocessed":
            return ("reinvert" if self.op.public_of(name) else "claim"), {**self._claim(name), "rank": 1}, {}
        return None

    def _after(self, attempt: Attempt) -> Asked | None:
        left = [each for each in ("package", "archive", "announce") if each not in attempt.steps]
        if attempt.state == "Published" and self.dice.random() < 0.3:
            end = {"until": self.dice.choice([None, "2027-01-01T00:00:00Z"])}
            return *self.dice.choice([("lift", {}), ("embargo", end)]), {"attempt": attempt.number}
        word = _NEXT.get(attempt.state)
        if word is None:
            return None
        if word == "hand_in" and self.dice.random() < 0.2:
            return "extend", {**LEASE, "lease_s": 900_000}, {"attempt": attempt.number}
        data: dict[str, Any] = {
            "hand_in": products(inputs=attempt.datasets or ["none"]),
            "inverted": {**VERIFIED, "outputs_verified": len(attempt.outputs)},
            "review": self._review(attempt.program),
            "withdrawn": {"acknowledgement": "gone"},
        }.get(word, {})
        if word == "step_done":
            word, data = (
                ("step_done", {"step": left[0], "acknowledgement": "ack"}) if left else ("published", {})
            )
        return word, data, {"attempt": attempt.number}

    def _ask(self, word: str, data: dict[str, Any], more: dict[str, Any]) -> Any:
        dice, was = self.dice, self.op.copy()
        name = {"metadata": "datasets", "gone": "datasets"}.get(word, word)
        actor = dice.choice(PEOPLE)
        reason = dice.choice(["because", "because", None])
        record = self.story.ask(name, data, actor=actor, reason=reason, **more)
        assert self.story.decisions[-1].poison is None, self.story.decisions[-1].poison
        self.reached.add((record.type, record.fromstate, record.tostate))
        if record.is_refusal:
            assert record.data["reasons"]
            assert set(record.data.get("allowed", ())) == set(OP_LIFE.allowed(self.op.state))
            assert self.op == was
        self._claims(record, was)
        self._areas(record, was)
        self._public(record, was)
        self._silence(record, was)
        return record

    def _silence(self, record: Any, was: Op) -> None:
        """Nothing closes by silence of which somebody has heard that more will come."""
        if record.type != "op.readiness_closed" or record.data["by"] != "quiet_period":
            return
        assert was.announced.get("", 0) <= was.seen_datasets
        for now in record.data["programs"]:
            program = was.programs[now["program"]]
            assert (program.expected_datasets or 0) <= program.cover["datasets"]

    def _claims(self, record: Any, was: Op) -> None:
        """Nobody gets a program that somebody holds, but beside those that the claim names, with a reason."""
        if record.type == "op.claimed":
            held = {each.number for each in was.open_on(record.data["program"])}
            assert held == set(record.data.get("beside", ()))
            assert not held or record.reason
        if record.type == "op.handed_in" and record.data["late"]:
            assert not was.open_on(record.data["program"])

    def _areas(self, record: Any, was: Op) -> None:
        """What somebody works with does not go; and what went is staged again once for whoever claims it."""
        if record.type == "op.unstaging":
            program = was.programs[record.data["program"]]
            digest = program.areas[record.data["location"]][0]
            assert all(each.cover["digest"] != digest for each in was.open_on(program.name))
            assert not was.is_held
        if record.type == "op.claimed":
            program = was.programs[record.data["program"]]
            is_wanted = program.wants_inputs and "asked" not in (program.staged or {})
            assert record.data.get("restage", False) == is_wanted
            assert record.data.get("location") == (program.staged or {}).get("location")

    def _public(self, record: Any, was: Op) -> None:
        """What is public stays so until it is replaced, or a portal has acknowledged that it is withdrawn."""
        for name in PROGRAMS:
            before, now = was.public_of(name), self.op.public_of(name)
            if before is not None and now is None:
                assert record.type == "op.withdrawn", record.type
            if before is not None and now is not None and before.number != now.number:
                assert (record.type, record.data["supersedes"]) == ("op.published", before.number)
        if was.state is OpState.PUBLISHED and self.op.state is not OpState.PUBLISHED:
            assert record.type == "op.withdrawn"

    def _data(self, word: str) -> tuple[dict[str, Any], dict[str, Any]]:
        dice, story = self.dice, self.story
        program = dice.choice(PROGRAMS)
        attempts = list(self.op.attempts) or [1]
        attempt = {"attempt": dice.choice(attempts)} if dice.random() < 0.7 else {}
        staged = {"program": program, "cover": cover(story, dice.choice([program, program, PROGRAMS[0]]))}
        lease = {**LEASE, "lease_s": dice.choice([60, 1000, 90_000])}
        simple: dict[str, dict[str, Any]] = {
            "requalify": dice.choice([{}, {"program": program}, {"criteria_version": 2}]),
            "preprocessed": {**staged, **STAGED, "location": dice.choice(PLACES)},
            "unstage": {"program": program, **dice.choice([{}, {"location": dice.choice(PLACES)}])},
            "unstaged": {
                "program": program,
                "location": dice.choice(PLACES),
                "is_gone": dice.choice([True, True, False]),
                "message": "",
            },
            "not_needed": {**staged, "because": "small"},
            "await": {**staged, "due_at": NOW, "policy": "quiet", "policy_version": 1},
            "quiet_due": {"due_sequence": self._sequence()},
            "overdue": {"due_sequence": self._sequence()},
            "lease_due": {"due_sequence": self._sequence()},
            "extend": lease,
            "hand_over": {**lease, "to": dice.choice(PEOPLE)},
            "inverted": {**VERIFIED, "outputs_verified": dice.choice([1, 1, 2])},
            "hand_in_refused": {"reasons": ["a sum differs"], **lease},
            "published": {},
            "withdrawn": {"acknowledgement": "gone"},
            "embargo": {"until": dice.choice([None, "2027-01-01T00:00:00Z"])},
            "lift": dice.choice([{}, {"due_sequence": self._sequence()}]),
            "assign": {"owner": "ann", **dice.choice([{}, {"due_at": NOW}])},
            "note": {"text": "a remark"},
        }
        if word in simple:
            return simple[word], attempt
        return getattr(self, f"_{word}", lambda _: {})(program), attempt

    def _sequence(self) -> int:
        """Of a deadline that may be current."""
        op = self.op
        known = [each.due_sequence for each in op.attempts.values()]
        known += [each.embargo_sequence for each in op.attempts.values()]
        known += [each.awaited_sequence for each in op.programs.values()]
        known += [op.overdue_sequence, *(each["due_sequence"] for each in op.failures.values())]
        return self.dice.choice([each for each in known if each is not None] or [1])

    def _some(self, program: str) -> dict[str, Any]:
        name = f"{program}/{self.dice.randint(1, 3)}"
        embargo = self.dice.choice([{}, {"is_embargoed": True}])
        instrument = "VBI" if program == "id.vbi" else "VISP"
        return a_dataset(
            name, program, digest=f"{self.dice.randint(1, 2):032x}", instrument=instrument, **embargo
        )

    def _discover(self, program: str) -> dict[str, Any]:
        return {
            "source": "scan",
            "datasets": [self._some(each) for each in sorted({program, self.dice.choice(PROGRAMS)})],
        }

    def _datasets(self, program: str) -> dict[str, Any]:
        return {"source": "scan", self.dice.choice(["added", "changed"]): [self._some(program)]}

    def _metadata(self, program: str) -> dict[str, Any]:
        return {"source": "scan", "metadata": [self._some(program)]}

    def _gone(self, program: str) -> dict[str, Any]:
        told = self._some(program)
        return {"source": "scan", "gone": [{name: told[name] for name in ("dataset", "program", "digest")}]}

    def _ready(self, program: str) -> dict[str, Any]:
        covered = {"program": program, "cover": cover(self.story, program)}
        return self.dice.choice(
            [
                {"by": "operator"},
                {"by": "ready_event", "program": program, "expected_datasets": self.dice.randint(0, 4)},
                {"by": "manifest", **covered},
                {"by": "quiet_period", **covered, "policy": "quiet", "policy_version": 1},
            ]
        )

    def _judge(self, program: str) -> dict[str, Any]:
        outcome = "not_applicable" if program == "id.vbi" else self.dice.choice(["pass", "pass", "fail"])
        return a_verdict(self.story, outcome, program, instrument="VBI" if program == "id.vbi" else "VISP")

    def _claim(self, program: str) -> dict[str, Any]:
        beside = [each.number for each in self.op.open_on(program)] if self.dice.random() < 0.3 else []
        return {**LEASE, "program": program, "beside": beside}

    def _reinvert(self, program: str) -> dict[str, Any]:
        return self._claim(program)

    def _hand_in(self, program: str) -> dict[str, Any]:
        known = self.op.programs.get(program)
        inputs = sorted(known.names) if known else ["nothing"]
        return products(inputs=inputs, outputs=outputs(*self.dice.choice([("a",), ("a", "b")])))

    def _review(self, _program: str) -> dict[str, Any]:
        decision = self.dice.choice(["accept", "accept", "rework", "reject"])
        return {"decision": decision, "note": "seen", "lease_from": NOW}

    def _step_done(self, _program: str) -> dict[str, Any]:
        step = self.dice.choice(["package", "archive", "announce", "cite"])
        return {"step": step, "acknowledgement": "ack" if step == "announce" else None}

    def _fail(self, program: str) -> dict[str, Any]:
        due = self.dice.choice([{}, {"due_at": NOW}])
        return {**FAILED, **due, **self.dice.choice([{}, {"program": program}])}

    def _recover(self, _program: str) -> dict[str, Any]:
        parts = list(self.op.failures) or ["op"]
        return self.dice.choice([{"part": self.dice.choice(parts)}, {"due_sequence": self._sequence()}])

    def check(self) -> None:
        """What holds after every single record."""
        op = self.op
        if op.state is OpState.NOTHING:
            assert (op.programs, op.attempts) == ({}, {})
            return
        assert op.state is op.standing()
        for program in op.programs.values():
            covered = program.covers.of((name, told[0]) for name, told in program.names.items())
            assert program.covers == covered
            assert program.verdict is None or program.verdict["cover"] == program.cover
            assert program.staged is None or program.staged["cover"] == program.cover
            assert (program.verdict is None) == (program.state == "Discovered")
            assert program.is_ready or program.state == "Discovered"
        for attempt in op.attempts.values():
            assert attempt.is_public == (attempt.state in {"Published", "Withdrawing"}) or (
                attempt.state is AttemptState.WITHDRAWING
            )
            assert attempt.program in op.programs
            assert (attempt.due_sequence is not None) == (attempt.state is AttemptState.WORKING)
        for name in PROGRAMS:
            assert sum(each.is_public for each in op.attempts.values() if each.program == name) <= 1
        for part in op.failures:
            kind, _, number = part.partition(":")
            if kind == "attempt":
                assert op.attempts[int(number)].state in OPEN | {AttemptState.WITHDRAWING}

    def replay(self) -> None:
        """The records alone, verified and folded, and a snapshot taken anywhere, give the same state."""
        desk, chain = self.story.desk, ""
        again = desk.new()
        for number, decision in enumerate(self.story.decisions):
            chain = verify(chain, decision.value)
            desk.apply(again, decode_record(decision.value), chain=chain)
            if number % 7 == 0:
                again = desk.load(desk.dump(again))
        assert again == self.story.state
