"""A record as a line of NDJSON, and as the bytes of a batch: whatever it holds, it comes back as it was."""

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from events.log import Message
from service.transplant.lines import Line, WrongLineError, line_of, message_of

BYTES = st.one_of(
    st.none(), st.binary(max_size=60), st.text(max_size=40).map(lambda each: each.encode("utf-8", "replace"))
)
NAMES = st.binary(max_size=12).map(lambda each: each.decode("utf-8", "surrogateescape"))
MESSAGES = st.builds(
    Message,
    st.just("t.file.events"),
    st.just(3),
    st.integers(0, 2**62),
    BYTES,
    BYTES,
    st.lists(st.tuples(NAMES, st.binary(max_size=20)), max_size=3).map(tuple),
    st.integers(-1, 2**45),
)


@seed(20261122)
@given(MESSAGES, st.booleans())
def test_a_line_gives_back_what_it_was_made_of(message, is_passed):
    line = line_of(message, is_passed=is_passed)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert message_of(line, message.topic, message.partition) == Line(message, is_passed)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"[]", b"null", b'{"offset": 1}', b'{"offset": "1", "time_ms": 1, "key": null, "value": null}',
        b'{"offset": 1, "time_ms": 1, "key": 7, "value": null}',
        b'{"offset": 1, "time_ms": 1, "key": {"base64": "*"}, "value": null}',
        b'{"offset": 1, "time_ms": 1, "key": null, "value": null, "headers": [["a"]]}',
    ],
)  # fmt: skip
def test_what_is_no_record_is_told(line):
    with pytest.raises(WrongLineError, match="wanted a record as export writes it"):
        message_of(line, "t", 0)
