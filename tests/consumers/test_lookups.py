"""What an outside service knows of programs, asked of a real server that is well, slow, down, or tells lies."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from consumers.lookups import Lookups
from events.metadata_policy import ProgramService
from tests.consumers.program_server import ProgramServer, ok, program_server


@pytest.fixture
def server():
    with program_server() as told:
        yield told


def service(server: ProgramServer, **more) -> ProgramService:
    return ProgramService(**{"name": "proposals", "url": server.url, "keys": ("target",), **more})


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def test_an_answer_is_asked_for_once(server):
    server.known = {"M31": "P-7"}
    lookups = Lookups()
    found = [lookups.find(service(server), {"target": "M31", "other": n}) for n in range(5)]
    assert [each.program for each in found] == ["P-7"] * 5
    assert len(server.asked) == 1
    assert found[0].waited_s > 0
    assert {each.waited_s for each in found[1:]} == {0.0}


def test_an_answer_counts_for_as_long_as_it_is_said_to_and_ignorance_for_less(server):
    server.known = {"M31": "P-7"}
    clock = Clock()
    lookups, asked = Lookups(now=clock), service(server, kept_s=1000.0)
    for target in ("M31", "M33"):
        lookups.find(asked, {"target": target})
    server.known = {"M31": "P-8", "M33": "P-9"}
    clock.s = 999.0
    assert [lookups.find(asked, {"target": name}).program for name in ("M31", "M33")] == ["P-7", "P-9"]
    clock.s = 1001.0
    assert lookups.find(asked, {"target": "M31"}).program == "P-8"


def test_many_threads_ask_together(server):
    server.known = {f"t{n}": f"P-{n}" for n in range(60)}
    server.wait = threading.Event()
    lookups, asked = Lookups(at_once=25), service(server, timeout_s=20.0)
    with ThreadPoolExecutor(60) as pool:
        found = [pool.submit(lookups.find, asked, {"target": f"t{n}"}) for n in range(60)]
        server.wait.set()
        assert [each.result().program for each in found] == [f"P-{n}" for n in range(60)]
    assert sum(map(len, server.asked)) == 60
    assert max(map(len, server.asked)) <= 25


def test_a_missing_value_is_null_and_no_number_is_taken_for_a_text(server):
    Lookups().find(service(server, keys=("target", "exposure_s")), {"exposure_s": 1.5})
    assert server.asked == [[{"target": None, "exposure_s": "1.5"}]]


LIES = {
    "no JSON": (ok(b"<html>"), "no JSON"),
    "depth": (ok(b"[" * 100_000), "no JSON"),
    "a list": (ok(b'["P-7"]'), "wanted programs for 1 keys"),
    "too many": (ok(b'{"programs": ["a", "b"]}'), "wanted programs for 1 keys"),
    "none": (ok(b'{"programs": []}'), "wanted programs for 1 keys"),
    "a number": (ok(b'{"programs": [7]}'), "wanted a text"),
    "an empty text": (ok(b'{"programs": [" "]}'), "wanted a text"),
    "a control character": (ok(b'{"programs": ["a\\u0000b"]}'), "wanted a text"),
    "a long text": (ok(b'{"programs": ["' + b"x" * 300 + b'"]}'), "wanted a text"),
    "more than anybody reads": (ok(b" " * 2_000_000), "more than 1048576 bytes"),
    "less than it says": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", "no answer"),
    "no HTTP": (b"hello\r\n\r\n", "no answer"),
    "nothing": (b"", "no answer"),
    "an error of its own": (b"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nhelp", "answered 500: help"),
    "busy": (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "answered 503"),
    "not here": (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "answered 404"),
    "over there": (
        b"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "answered 302",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_no_answer_is_a_finding_in_words(server, lie):
    server.say, words = LIES[lie]
    found = Lookups().find(service(server), {"target": "M31"})
    assert found.program is None
    assert words in (found.problem or "")
    assert server.url in (found.problem or "")


@pytest.mark.parametrize(
    ("begin", "drip"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
)
def test_an_answer_that_drips_has_no_more_time_than_another(server, begin, drip):
    server.say, server.drip = begin, drip
    found = Lookups().find(service(server, timeout_s=0.3), {"target": "M31"})
    assert "no whole answer within 0.3 s" in (found.problem or "")


def test_a_server_that_says_nothing_is_left_when_the_time_is_over(server):
    server.wait = threading.Event()
    found = Lookups().find(service(server, timeout_s=0.2), {"target": "M31"})
    server.wait.set()
    assert "no whole answer within 0.2 s" in (found.problem or "")


def test_after_three_failures_nobody_asks_for_a_while_and_then_one_does(server):
    server.say = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
    clock = Clock()
    lookups, asked = Lookups(now=clock), service(server)

    def find(n: int):
        return lookups.find(asked, {"target": f"t{n}"})

    for n in range(6):
        find(n)
    assert len(server.asked) == 3
    assert "not asked again for 1 s" in (find(7).problem or "")
    clock.s = 1.5
    find(8)
    assert len(server.asked) == 4
    assert "not asked again for 2 s" in (find(9).problem or "")
    server.say, server.known = None, {"t10": "P-10"}
    clock.s = 4.0
    assert find(10).program == "P-10"
    assert find(11).problem is None
    # What was before the success no longer counts.
    server.say = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
    asked_before = len(server.asked)
    find(12), find(13)
    assert len(server.asked) == asked_before + 2


def test_nobody_there_is_a_finding_too(server):
    asked = service(server, url="http://127.0.0.1:9/programs")
    assert "no answer (ConnectionRefusedError" in (Lookups().find(asked, {"target": "a"}).problem or "")
