"""What was expected comes back from the file as it was noted."""

import pytest

from service.audit.expected import (
    Expected,
    ExpectedError,
    ExpectedLine,
    Hostile,
    Inbox,
    Request,
    State,
    read_expected,
)

LINES: list[ExpectedLine] = [
    Request("file", "roman/a", "6b0f0f0e-0000-4000-8000-000000000001"),
    Inbox("soc", "t.inbox.soc/0/17", "7f3e"),
    Inbox("soc", "t.inbox.soc/0/18"),
    Hostile("not json", "NOT_AN_EVENT", origin="t.inbox.soc/0/19"),
    Hostile("a bomb", "UNSAFE_CONTENT", subject="roman/b"),
    Hostile("anything may be said to it", origin="t.file.requests/1/2"),
    State("roman/ä", ("COMPLETE", "DISMISSED")),
]


def test_what_was_noted_is_read_again_also_by_two_writers_one_after_the_other(tmp_path):
    for part in (LINES[:3], LINES[3:]):
        expected = Expected(tmp_path / "sent.ndjson")
        for line in part:
            expected.note(line)
        expected.close()
    assert list(read_expected(tmp_path / "sent.ndjson")) == LINES


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b'{"kind":"wish"}', b'{"kind":"request","id":"1"}', b'{"kind":"inbox","x":1}']
)
def test_a_line_that_says_nothing_is_named(tmp_path, line):
    path = tmp_path / "sent.ndjson"
    path.write_bytes(b'{"kind":"state","subject":"a","states":["COMPLETE"]}\n\n' + line + b"\n")
    with pytest.raises(ExpectedError, match=r"sent\.ndjson:3: .*wanted an object such as"):
        list(read_expected(path))
