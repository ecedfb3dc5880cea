"""Laws 1 and 2 on the decider's own loop: one request one record, whatever dies in between."""

import threading
from dataclasses import replace
from hashlib import sha256

import pytest

from consumers.dead_record import DeadLetter
from events.chain import verify
from events.log import FencedError, TransactionInDoubtError
from events.memory_log import CommitFault
from machines.desk import Desk
from machines.file import FILE
from projectors.passed_over import PassedOver
from service.decider.batch import POISON_IN_A_ROW
from service.decider.halts import Halt, StoreUnavailableError, UnusableSnapshotError
from service.decider.store import LedPast
from tests.machines.given import SHA_B, STARTED, arrival
from tests.service.decider.site import DEAD, LEDGER, REQUESTS, Site, number


def decided(site: Site, **settings):
    """An owner that has taken over and decided all there is."""
    owner = site.owner(**settings)
    owner.take_over()
    while owner.step():
        pass
    return owner


def run_until(site: Site, records: int, **settings) -> None:
    """Let an owner's own loop run until the ledger has so many records."""
    stop = threading.Event()
    owner = site.owner(**settings)
    thread = threading.Thread(target=owner.run, args=(stop,), daemon=True)
    thread.start()
    waited = threading.Event()
    for _ in range(400):
        if len(site.ledger()) >= records:
            break
        waited.wait(0.01)
    waited.wait(0.05)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_every_request_gets_one_record_and_one_outcome():
    site = Site()
    asked = [
        site.ask(),
        site.ask("retry", reason="no"),
        site.ask("start", data=STARTED, version=1, attempt=1),
    ]
    decided(site)
    records = site.ledger()
    assert [record.requestid for record in records] == asked
    assert [record.type for record in records] == ["file.arrived", "file.refused", "file.started"]
    assert [record.sequence for record in records] == [1, 2, 3]
    assert {row.record_id for row in site.store.outcomes.values()} == {record.id for record in records}
    refusal = site.store.outcomes[records[1].id].refusal
    assert refusal is not None
    assert refusal["reasons"] == ["retry needs ERROR, found QUEUED"]


def test_a_repeated_request_writes_nothing():
    site = Site()
    for _ in range(3):
        site.ask(id=number(1))
    decided(site)
    site.ask(id=number(1))
    decided(site)
    assert len(site.ledger()) == 1


def test_the_same_id_with_other_content_is_refused_once():
    site = Site()
    site.ask(id=number(1))
    for _ in range(2):
        site.ask(id=number(1), data=arrival(SHA_B))
    decided(site)
    assert [record.data.get("code") for record in site.ledger()] == [None, "ID_REUSED"]


def test_a_successor_fences_the_owner_before_it():
    site = Site()
    site.ask()
    first = decided(site)
    site.ask("note", data={"text": "late"})
    second = site.owner()
    second.take_over()
    with pytest.raises(FencedError):
        first.step()
    second.step()
    assert [(record.type, record.ownerepoch) for record in site.ledger()] == [
        ("file.arrived", 1),
        ("file.noted", 2),
    ]


@pytest.mark.parametrize("fault", list(CommitFault))
def test_a_commit_in_doubt_loses_nothing_and_doubles_nothing(fault):
    site = Site()
    asked = [site.ask(subject=f"roman/{each}") for each in range(5)]
    site.log.fail_next_commit(fault)
    run_until(site, 5)
    site.log.settle()
    records = site.ledger()
    assert [record.requestid for record in records] == asked
    assert len(site.store.outcomes) == 5


@pytest.mark.parametrize("kept", [1, 10_000])
def test_a_save_that_fails_is_made_good_from_the_ledger(kept):
    site = Site()
    owner = site.owner(subjects_kept=kept)
    owner.take_over()
    site.ask()
    site.store.failing_saves = 1
    with pytest.raises(StoreUnavailableError):
        owner.step()
    assert len(site.ledger()) == 1
    assert not site.store.outcomes
    site.ask("start", data=STARTED, version=1, attempt=1)
    decided(site)
    assert [record.type for record in site.ledger()] == ["file.arrived", "file.started"]
    assert len(site.store.outcomes) == 2


@pytest.mark.parametrize("told", [(True, True), (True, False), (False, True)])
def test_an_owner_told_to_stop_while_it_reads_the_ledger_after_a_failed_save_hides_no_record_of_it(told):
    """What its store has lost is read by the next one, or that one gives the same sequence once more."""
    site, answers = Site(), iter(told)
    owner = site.owner()
    owner.take_over()
    site.ask()
    site.store.failing_saves = 1
    with pytest.raises(StoreUnavailableError):
        owner.step()
    owner.take_over(lambda: next(answers, True))
    assert site.store.epoch == (1 if told[-1] else 2), "who is told to stop takes no seat"
    site.ask("start", data=STARTED, version=1, attempt=1)
    decided(site)
    assert [(record.type, record.sequence) for record in site.ledger()] == [
        ("file.arrived", 1),
        ("file.started", 2),
    ]
    assert len(site.store.outcomes) == 2


def test_lost_snapshots_and_outcomes_are_read_again_from_the_ledger():
    site = Site()
    site.ask(id=number(1))
    site.ask("start", data=STARTED, version=1, attempt=1)
    decided(site)
    before, outcomes = dict(site.store.snapshots), dict(site.store.outcomes)
    site.store.forget()
    site.store.outcomes.clear()
    site.ask(id=number(1))
    decided(site)
    assert site.store.snapshots == before
    assert site.store.outcomes == outcomes
    assert len(site.ledger()) == 2


def test_snapshots_of_another_fold_version_are_not_used(monkeypatch):
    site = Site()
    site.ask()
    decided(site)
    site.store.snapshots["roman/a"] = b'{"of":"another time"}'
    monkeypatch.setattr(FILE, "fold_version", 99)
    site.ask("start", data=STARTED, version=1, attempt=1)
    decided(site)
    assert site.ledger()[-1].type == "file.started"


def test_a_corrupt_snapshot_is_made_good_from_the_ledger():
    site = Site()
    site.ask()
    decided(site)
    site.store.snapshots["roman/a"] = b"\x00 not JSON"
    site.ask("start", data=STARTED, version=1, attempt=1)
    run_until(site, 2)
    assert site.ledger()[-1].type == "file.started"


def test_snapshots_that_are_spoilt_again_and_again_are_made_good_each_time():
    site = Site()
    site.ask()
    decided(site)
    stop, owner = threading.Event(), site.owner(subjects_kept=0)
    thread = threading.Thread(target=owner.run, args=(stop,), daemon=True)
    thread.start()
    waited = threading.Event()
    for round_ in range(3):
        site.store.snapshots["roman/a"] = b"\x00 not JSON"
        site.ask("note", data={"text": f"round {round_}"})
        for _ in range(400):
            if len(site.store.outcomes) == round_ + 2:
                break
            waited.wait(0.01)
        waited.wait(0.05)  # what was decided is saved, and let go from memory
    stop.set()
    thread.join(5)
    assert [record.sequence for record in site.ledger()] == [1, 2, 3, 4]


def test_a_single_lost_snapshot_is_made_good_from_the_ledger_before_its_history_begins_again():
    site = Site()
    site.ask()
    site.ask(subject="roman/b")
    decided(site)
    del site.store.snapshots["roman/a"]
    site.store.viewed = {"roman/a", "roman/b"}
    site.ask("note", data={"text": "a"})
    site.ask(subject="roman/c")
    run_until(site, 4)
    assert [(each.subject, each.sequence) for each in site.ledger()] == [
        ("roman/a", 1), ("roman/b", 1), ("roman/a", 2), ("roman/c", 1),
    ]  # fmt: skip
    assert site.store.snapshots.keys() == {"roman/a", "roman/b", "roman/c"}


def test_views_that_know_what_the_ledger_does_not_keep_nobody_from_deciding():
    site = Site()
    site.ask()
    decided(site)
    site.store.viewed = {"roman/a", "roman/b", "roman/c"}
    site.ask(subject="roman/b")
    site.ask(subject="roman/c")
    run_until(site, 3)
    assert [(each.subject, each.sequence) for each in site.ledger()] == [
        ("roman/a", 1), ("roman/b", 1), ("roman/c", 1),
    ]  # fmt: skip


def test_an_old_snapshot_does_not_fit_the_ledger_and_is_made_good():
    site = Site()
    site.ask()
    decided(site)
    old_snapshots, old_mark = dict(site.store.snapshots), site.store.mark
    site.ask("start", data=STARTED, version=1, attempt=1)
    decided(site)
    site.store.snapshots = old_snapshots
    site.store.mark = old_mark
    site.ask("note", data={"text": "a"})
    decided(site)
    assert [record.sequence for record in site.ledger()] == [1, 2, 3]


def test_snapshots_ahead_of_the_log_halt():
    site = Site()
    site.ask()
    decided(site)
    assert site.store.mark is not None
    site.store.mark = replace(site.store.mark, next_offset=999)
    with pytest.raises(Halt, match="SNAPSHOT_AHEAD") as caught:
        site.owner().take_over()
    assert "meridian recover --explain" in str(caught.value)


def test_requests_beyond_the_end_of_their_topic_halt():
    site = Site()
    site.ask()
    decided(site)
    assert site.store.mark is not None
    site.store.mark = replace(site.store.mark, next_request=999)
    with pytest.raises(Halt, match="BEYOND_END"):
        site.owner().take_over()


def dead_letters(site: Site) -> list[DeadLetter]:
    return [DeadLetter.read(message) for message in site.read(DEAD)]


def test_requests_that_were_deleted_undecided_are_told_once_and_the_others_are_decided():
    site = Site()
    site.ask()
    decided(site)
    for text in "abc":
        site.ask("note", data={"text": text})
    site.log.drop_before(REQUESTS, 3)
    decided(site)
    [told] = dead_letters(site)
    assert (told.code, told.sender, told.origin, told.value) == (
        "REQUESTS_GONE",
        "decider",
        f"{REQUESTS.topic}/0/1",
        b"",
    )
    assert f"offsets 1 to 2 of {REQUESTS.topic}/0 were deleted before a decider" in told.reason
    assert [record.type for record in site.ledger()] == ["file.arrived", "file.noted"]
    decided(site)
    site.store.forget()
    decided(site)
    assert dead_letters(site) == [told]


@pytest.mark.parametrize("fault", list(CommitFault))
def test_what_was_deleted_undecided_is_told_once_whatever_becomes_of_the_telling(fault):
    site = Site()
    for text in "abc":
        site.ask("note", data={"text": text})
    site.log.drop_before(REQUESTS, 1)
    site.log.fail_next_commit(fault)
    with pytest.raises(TransactionInDoubtError):
        site.owner().take_over()
    decided(site)
    assert [told.reason.partition(" was ")[0] for told in dead_letters(site)] == [
        f"offset 0 of {REQUESTS.topic}/0"
    ]
    assert len(site.ledger()) == 2


def test_requests_that_were_deleted_after_they_were_decided_are_nobodys_loss():
    site = Site()
    site.ask()
    site.ask("note", data={"text": "a"})
    decided(site)
    site.log.drop_before(REQUESTS, 2)
    decided(site)
    site.store.forget()
    site.log.remove(DEAD.topic)
    site.__post_init__()
    decided(site)
    assert dead_letters(site) == []


def test_a_requests_topic_made_anew_is_read_from_its_first_request_and_nothing_is_decided_twice():
    site = Site()
    site.ask(id=number(1))
    decided(site)
    site.log.remove(REQUESTS.topic)
    site.__post_init__()
    site.ask(id=number(1))
    site.ask("start", data=STARTED, version=1, attempt=1)
    decided(site)
    assert [record.type for record in site.ledger()] == ["file.arrived", "file.started"]


def test_a_broken_ledger_halts_when_it_does_not_hold_together_from_its_beginning():
    site = Site()
    site.ask()
    decided(site)
    record = site.read(LEDGER)[0].value or b""
    site.writer.send(
        LEDGER.topic, key=b"roman/a", value=record.replace(b'"sequence":1', b'"sequence":7'), partition=0
    )
    owner = site.owner()
    with pytest.raises(Halt, match="LEDGER_BROKEN"):
        owner.run(threading.Event())


BAD_BYTES = {
    "not JSON": b"\xff\xfe hello",
    "a tombstone": None,
    "a list": b"[]",
    "a record without an id": b'{"specversion":"1.0","type":"file.arrive","source":"x","subject":"a","actor":"b"}',
    "a future version": b'{"specversion":"2.0"}',
    "deep": b"[" * 10_000,
    "nested in data": b'{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000001","source":"x",'
    b'"type":"file.note","subject":"roman/a","actor":"b","data":{"text":' + b"[" * 300 + b"]" * 300 + b"}}",
    "nested in the subject": b'{"specversion":"1.0","subject":' + b"[" * 900 + b"]" * 900 + b"}",
    "NUL in the subject": b'{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000001","source":"x",'
    b'"type":"file.note","subject":"a\\u0000","actor":"b","data":{"text":"a"}}',
    "too large": b'{"a":"' + b"x" * 300_000 + b'"}',
}


@pytest.mark.parametrize("name", BAD_BYTES)
def test_bytes_that_are_no_request_become_a_dead_letter_and_the_stream_goes_on(name):
    site = Site()
    site.put(BAD_BYTES[name])
    site.ask()
    decided(site)
    assert [record.type for record in site.ledger()] == ["file.arrived"]
    letters = [DeadLetter.read(message) for message in site.read(DEAD)]
    assert [(letter.code, letter.origin) for letter in letters] == [("UNDECODABLE", f"{REQUESTS.topic}/0/0")]
    assert letters[0].value == (BAD_BYTES[name] or b"")


def test_twenty_subjects_in_a_row_that_make_deciding_raise_halt(monkeypatch):
    site = Site()
    for each in range(POISON_IN_A_ROW):
        site.ask(subject=f"roman/{each}")
    monkeypatch.setattr(FILE, "decide", lambda *_: 1 / 0)
    owner = site.owner()
    owner.take_over()
    with pytest.raises(Halt, match="CODE_IS_WRONG"):
        owner.step()
    assert site.ledger() == []


def test_one_request_that_makes_deciding_raise_is_answered_and_kept_as_a_dead_letter(monkeypatch):
    site = Site()
    right = FILE.decide

    def raises_for_notes(state, ask):
        if ask.envelope.type == "file.note":
            raise ZeroDivisionError("a bug")
        return right(state, ask)

    monkeypatch.setattr(FILE, "decide", raises_for_notes)
    site.ask()
    site.ask("note", data={"text": "a"})
    site.ask("hold", reason="wait")
    decided(site)
    assert [record.data.get("code") for record in site.ledger()] == [None, "INTERNAL", None]
    letter = DeadLetter.read(site.read(DEAD)[0])
    assert "ZeroDivisionError: a bug" in letter.reason


def test_a_fold_that_raises_ends_as_a_refusal_and_loses_no_other_request(monkeypatch):
    site = Site()
    right = FILE.evolve

    def raises_for_notes(state, record):
        if record.type == "file.noted":
            raise ZeroDivisionError("a bug")
        right(state, record)

    monkeypatch.setattr(FILE, "evolve", raises_for_notes)
    site.ask()
    site.ask("note", data={"text": "a"})
    site.ask("hold", reason="wait")
    run_until(site, 3)
    assert [record.data.get("code") for record in site.ledger()] == [None, "INTERNAL", None]


def test_the_chain_of_every_subject_holds_over_owners_and_batches():
    site = Site()
    for _ in range(3):
        for subject in ("roman/a", "roman/b"):
            site.ask(subject=subject)
            site.ask("note", subject, data={"text": "x"})
        decided(site, batch=3, subjects_kept=1)
    chains: dict[str, str] = {}
    for message, record in zip(site.read(LEDGER), site.ledger(), strict=True):
        chains[record.subject] = verify(chains.get(record.subject, ""), message.value or b"")
    assert len(site.ledger()) == 12


def test_the_self_check_stops_a_batch_whose_sequence_has_a_gap(monkeypatch):
    site = Site()
    site.ask()
    site.ask("note", data={"text": "x"})
    owner = site.owner()
    owner.take_over()
    desk = owner._desk
    right = desk.decide_all

    def skipping(asked):
        decisions = right(asked)
        for each in asked:
            each.subject.sequence += 1
        return decisions

    monkeypatch.setattr(desk, "decide_all", skipping)
    with pytest.raises(UnusableSnapshotError, match="sequence 3 after 1"):
        owner.step()
    assert site.ledger() == []


def test_lost_offsets_are_made_good_from_the_ledger():
    site = Site()
    for each in range(3):
        site.ask(subject=f"roman/{each}")
    decided(site)
    site.log._store.offsets.clear()
    site.store.forget()
    owner = site.owner()
    owner.take_over()
    assert owner.position == 3
    assert owner.step() == 0


def test_a_request_in_the_wrong_partition_is_a_dead_letter_and_decided_nowhere():
    site = Site()
    site.ask()
    owner = site.owner()
    owner._batch._partitions = 1000  # as if the subject belonged elsewhere
    owner.take_over()
    owner.step()
    assert site.ledger() == []
    letter = DeadLetter.read(site.read(DEAD)[0])
    assert letter.code == "WRONG_PARTITION"
    assert "key records by subject" in letter.reason


def test_a_record_that_a_person_led_past_is_passed_over_and_any_other_there_is_not():
    site = Site()
    site.ask("arrive", "roman/a")
    decided(site)
    site.writer.send(LEDGER.topic, key=b"k", value=b"a stranger's", partition=0)
    site.ask("arrive", "roman/b")
    site.store.forget()
    with pytest.raises(Halt, match="LEDGER_UNREADABLE"):
        site.owner().take_over()
    message = next(each for each in site.read(LEDGER) if each.value == b"a stranger's")
    for digest, is_passed in ((sha256(b"another's"), False), (sha256(b"a stranger's"), True)):
        places = [("file", 0, message.offset, digest.hexdigest())]
        site.store.past = LedPast(passed=PassedOver(places))
        if is_passed:
            assert decided(site) is not None
        else:
            with pytest.raises(Halt, match="LEDGER_UNREADABLE"):
                site.owner().take_over()


def test_offsets_that_the_ledger_names_before_a_reseat_say_nothing_any_more():
    site = Site()
    for name in ("a", "b", "c"):
        site.ask("arrive", f"roman/{name}")
    decided(site)
    site.store.forget()
    site.log._store.offsets.clear()
    site.store.past = LedPast(next_request=1, ledger_end=len(site.log._store.entries(LEDGER)))
    owner = site.owner()
    owner.take_over()
    assert owner.position == 1


def test_folding_that_raises_at_a_record_of_the_ledger_halts_and_names_it(monkeypatch):
    site = Site()
    site.ask()
    decided(site)
    site.store.forget()

    def wrong(*_):
        raise ZeroDivisionError("no good")

    owner = site.owner()
    monkeypatch.setattr(Desk, "apply", lambda *_, **__: wrong())
    with pytest.raises(
        Halt, match=r"CODE_IS_WRONG: file/0 offset 0, roman/a: folding .* raised ZeroDivisionError"
    ):
        owner.take_over()
