"""Frames of JSON: what one says can be passed on, whoever wrote it."""

import pytest

from consumers.child_frames import Frames, frame, parsed


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    "body", [b'{"a":NaN}', b"[Infinity]", b"[-Infinity]", b"[1e999]", b"\xff", b"{", b"[" * 100_000]
)
def test_what_could_not_be_passed_on_is_no_message(body):
    """A child that says it is ended; its server would end of it."""
    with pytest.raises(ValueError):
        list(Frames(max_bytes=200_000).feed(framed(body)))


@pytest.mark.parametrize(
    "message", [{"a": [1, 2.5, None, True, "ä\ud800", 2**63 - 1, -(2**63)]}, {}, {"deep": [[[[]]]]}]
)
def test_a_message_comes_as_it_went(message):
    (found,) = Frames(max_bytes=10_000).feed(frame(message))
    assert found == message
    assert frame(found) == frame(message)


def test_half_a_surrogate_alone_is_taken_as_it_stands():
    assert parsed(b'"\\ud800"') == "\ud800"
