"""Fair claims on a real database: each stream its share, streams behind others few places, and nobody starves."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, text

from consumers import trust
from consumers.claims import WorkItem
from consumers.owed import Judged
from events.clock import now
from tests.consumers.at_work import BEGIN, Files, a_stream, claim, names

GOOD, BAD = ("keck", "roman"), ("dump", "flood", "new")


@pytest.fixture
def connection(database: Engine) -> Iterator[Connection]:
    with database.connect() as connection:
        for name in (*GOOD, *BAD):
            a_stream(connection, name)
        for name in GOOD:
            judge(connection, name, is_good=True)
        for name in BAD[:2]:
            judge(connection, name, is_good=False)
        yield connection
        connection.rollback()


@pytest.fixture
def files(connection: Connection) -> Files:
    return Files(connection)


def judge(connection: Connection, stream: str, *, is_good: bool, after_s: int = 0) -> None:
    trust.keep_judged(connection, [Judged(stream, is_good, BEGIN + timedelta(seconds=after_s))])


def streams(items: list[WorkItem]) -> Counter[str]:
    return Counter(item.stream for item in items)


def end(connection: Connection, items: list[WorkItem]) -> None:
    for item in items:
        connection.execute(
            text("UPDATE work.item SET state = 'done' WHERE event_id = :event_id AND effect = :effect"),
            item.key._asdict(),
        )


def test_a_stream_with_many_files_does_not_hold_up_the_one_file_of_another(connection, files):
    for _ in range(12):
        files.arrive(stream="roman")
    files.arrive("keck/last", stream="keck")
    assert [item.subject for item in claim(connection, at_most=2)] == ["roman/f0001", "keck/last"]


def test_what_is_under_way_counts_for_a_streams_share(connection, files):
    for _ in range(6):
        files.arrive(stream="roman")
    assert streams(claim(connection, at_most=3)) == {"roman": 3}
    for _ in range(6):
        files.arrive(stream="keck")
    assert streams(claim(connection, at_most=4)) == {"keck": 3, "roman": 1}


def test_of_a_streams_own_files_the_oldest_goes_first_and_live_before_catch_up(connection, files):
    files.arrive("roman/old", stream="roman", priority="catch-up")
    files.arrive("roman/a", stream="roman")
    files.arrive("roman/b", stream="roman")
    assert names(claim(connection, at_most=2)) == ["a", "b"]


def test_streams_behind_others_have_their_few_places_and_no_more_while_others_have_work(connection, files):
    for stream in (*BAD, *GOOD):
        for _ in range(8):
            files.arrive(stream=stream)
    found = claim(connection, at_most=6, behind_at_most=1)
    assert sum(item.is_behind for item in found) == 1
    assert sum(streams(found)[stream] for stream in GOOD) == 5
    assert not any(item.is_behind for item in claim(connection, at_most=6, behind_at_most=0))


def test_they_wait_for_what_others_have_under_way_too(connection, files):
    files.arrive(stream="roman")
    assert streams(claim(connection)) == {"roman": 1}
    for _ in range(8):
        files.arrive(stream="flood")
    assert streams(claim(connection, behind_at_most=1)) == {"flood": 1}


def test_alone_they_have_more(connection, files):
    for stream in BAD:
        for _ in range(8):
            files.arrive(stream=stream)
    assert streams(claim(connection, behind_at_most=1, behind_alone=6)) == dict.fromkeys(BAD, 2)


def test_others_that_can_not_be_worked_on_hold_nobody_up(connection, files):
    files.arrive("roman/held", stream="roman")
    connection.execute(text("INSERT INTO work.hold (subject, sequence) VALUES ('roman/held', 1)"))
    files.arrive("roman/large", stream="roman", work_class="large")
    files.arrive("roman/later", stream="roman", priority="catch-up")
    for _ in range(4):
        files.arrive(stream="flood")
    found = claim(connection, large_at_most=0, catch_up_at_most=0, behind_at_most=1, behind_alone=4)
    assert streams(found) == {"flood": 4}


def test_nobody_behind_starves_however_much_the_others_have(connection, files):
    """Live against catch-up, normal against large, one flood against single files, and trusted work without end."""
    for stream in GOOD:
        for number in range(30):
            files.arrive(stream=stream, work_class="large" if number % 2 else "normal")
            files.arrive(stream=stream, priority="catch-up")
    for _ in range(30):
        files.arrive(stream="flood")
    for _ in range(3):
        files.arrive(stream="dump", priority="catch-up", work_class="large")
        files.arrive(stream="new", priority="catch-up")
    served = Counter[str]()
    for turn in range(9):
        found = claim(connection, at_most=4, large_at_most=1, catch_up_at_most=1, behind_at_most=1)
        assert sum(item.is_behind for item in found) == 1
        served += streams([item for item in found if item.is_behind])
        for item in found:
            judge(connection, item.stream, is_good=item.stream in GOOD, after_s=turn + 1)
        end(connection, found)
    assert served == dict.fromkeys(BAD, 3)


def test_what_comes_of_files_is_kept_and_good_ones_earn_trust_back(connection, files):
    for _ in range(3):
        files.arrive(stream="new")
        files.arrive(stream="roman")
    (item,) = [each for each in claim(connection, behind_at_most=1) if each.is_behind]
    end(connection, [item])
    story = files.arrive("new/good", stream="new")
    files.go_on(story, "start", "validated")
    latest = text("SELECT latest FROM work.trust WHERE stream = 'new'")
    assert connection.execute(latest).scalar_one() == "g"
    assert not any(each.is_behind for each in claim(connection, effects=("transfer", "ingest")))
    for number in range(2):
        bad = files.arrive(f"new/bad{number}", stream="new")
        files.go_on(bad, "start")
        files.reject(bad)
    assert connection.execute(latest).scalar_one() == "gbb"
    files.arrive("new/next", stream="new")
    assert [each.is_behind for each in claim(connection) if each.subject == "new/next"] == [True]


def test_a_stream_that_is_always_trusted_is_never_behind(connection, files):
    a_stream(connection, "mixed", trust={"bad_share": 1.0})
    judge(connection, "mixed", is_good=False)
    files.arrive(stream="mixed")
    files.arrive(stream="roman")
    assert not any(item.is_behind for item in claim(connection))


def test_only_so_many_of_the_latest_are_kept(connection):
    trust.keep_judged(connection, [Judged("roman", number > 0, now()) for number in range(100)])
    latest = connection.execute(text("SELECT latest FROM work.trust WHERE stream = 'roman'")).scalar_one()
    assert latest == "b" + "g" * 99
