"""Why nothing is known of a file: what it may have been meant for, who has mentioned it, how to announce it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from consumers.deadletter import DeadLetters
from events.stream import StreamConfiguration
from service.beside_told import awaited_told
from service.wording import quoted, short

__all__ = ["Mention", "Unknown", "lines_of", "mentions", "streams_for"]

_LOOKED_AT = 5000
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Mention:
    """A dead letter that has the name in its bytes."""

    letter: str
    sender: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A file that nobody has announced, as far as the ledger knows."""

    subject: str
    close: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()
    streams: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    known_streams: tuple[str, ...] = ()
    sidecars: tuple[str, ...] = ()
    entry: Mapping[str, Any] | None = None


def streams_for(
    subject: str, configurations: Mapping[str, StreamConfiguration], extensions: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Streams whose names are like this one's, with the extensions that their format has."""
    stream, slash, rest = subject.partition("/")
    name = rest if slash else stream
    meant = {stream: configurations[stream]} if slash and stream in configurations else configurations
    return tuple(
        each
        for each, configuration in meant.items()
        if any(
            re.fullmatch(configuration.name_pattern, candidate)
            for candidate in (name, *(f"{name}{end}" for end in extensions.get(configuration.format, ())))
        )
    )


def mentions(letters: DeadLetters, subject: str) -> tuple[Mention, ...]:
    """Dead letters with the file's name in them, the newest first."""
    name = subject.rpartition("/")[2].encode()
    found = [
        Mention(each.letter.id, each.letter.sender, each.letter.code, each.letter.reason)
        for each in islice(letters.each(), _LOOKED_AT)
        if each.letter.value is not None and name in each.letter.value
    ]
    return tuple(reversed(found))


def lines_of(unknown: Unknown) -> Iterable[str]:
    """In a few lines for people."""
    yield f"{unknown.subject}: nothing is known of it; nobody has announced a file of this name that was taken"
    for each in unknown.mentions[:_SHOWN]:
        yield f"  dead letter {each.letter} from {each.sender} mentions it: {each.code}, {short(each.reason)}"
        yield f"    meridian deadletter show {each.letter}"
    for sidecar in unknown.sidecars:
        yield f"  its sidecar {sidecar} is COMPLETE; the file itself was not announced"
    if unknown.entry is not None:
        yield f"  {awaited_told(unknown.entry)}"
    if unknown.close:
        yield f"  names that are close: {', '.join(unknown.close)}"
    if unknown.streams:
        senders = ", ".join(unknown.senders)
        yield f"  its name is one that {', '.join(unknown.streams)} would take, announced by {senders}"
        yield "  announce it with:"
        yield f"    {_example(unknown)}"
    else:
        streams = ", ".join(unknown.known_streams) or "none yet"
        yield f"  no stream's names are like this; the streams are {streams}"
        yield "    meridian stream show STREAM has the pattern of its names"


def _example(unknown: Unknown) -> str:
    stream, sender = unknown.streams[0], (unknown.senders or ("SENDER",))[0]
    event = (
        f'{{"specversion":"1.0","id":"…","source":"{sender}","type":"file.arrived",'
        f'"data":{{"stream":"{stream}","uri":"file:///…"}}}}'
    )
    return f"echo {quoted(event)} | meridian publish -"
