"""Facts that are put together as they stand on the wire: byte for byte what their classes make of the same."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.base import FACTS
from events.envelope import Record, decode_record
from machines import MACHINES
from tests.events.histories.lives import life_of
from tests.machines.given import REGISTERED, SHA_A, SHA_B, STARTED, Story, current

COUNTS = st.sampled_from([100, "100", 100.0, True, 0, 2**53 - 1])
"""Some are what a careless sender writes, and what its class takes for the number that is meant."""
WORDS = st.sampled_from(["a", "é — “x”", " b ", "0", 'tab\t"quote"\\', "x" * 200])
TIMES = st.sampled_from(["2026-11-21T06:00:00Z", "2026-11-21T06:00:00.250000+00:00", "2026-11-21 06:00Z"])
SUMS = st.sampled_from([SHA_A, SHA_B])
JSON = st.recursive(
    st.none() | st.booleans() | WORDS
    | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
LEVELS = st.sampled_from(["critical", "advisory", "record-only"])


def members(wanted: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> Any:
    """Those wanted, and some of the others: left out, told, or told to be nothing."""
    return st.fixed_dictionaries(wanted, optional=optional)


WARNINGS = st.lists(members({"code": st.just("A_B"), "message": WORDS}, found=st.none() | WORDS), max_size=2)
USAGE = st.none() | members({}, host=WORDS, wall_s=COUNTS, bytes_read=COUNTS, exit=st.none() | WORDS)
OBJECTS = members(
    {"bucket": WORDS, "key": WORDS, "size_bytes": st.just(100), "sha256": st.just(SHA_A)},
    etag=st.none() | WORDS,
    existed=st.sampled_from([True, "no", 1]),
)
IDENTITIES = members({"archive_identity": WORDS, "reserved_by": WORDS})
PLACES = members(
    {"group": WORDS, "kind": st.sampled_from(["exposure", "dataset"])},
    place=st.none() | st.sampled_from([3, "3"]),
    parents=members({}, op=st.just("id.a")),
)
ASKED: dict[str, st.SearchStrategy[Any]] = {
    "arrive": members(
        {
            "content": members({"uri": WORDS, "sha256": SUMS}, size_bytes=COUNTS, modified_at=st.none() | TIMES),
            "witness": WORDS,
            "stream_version": st.sampled_from([1, "2"]),
        },
        role=st.sampled_from(["primary", "sidecar"]),
        priority=st.just("catch-up"),
        changed_content=st.just("conflict"),
        warnings=WARNINGS,
        pairing=st.none() | members({}, due_at=TIMES) | members({"primaries": st.lists(WORDS, max_size=2)}),
    ),
    "pair": members({"sidecar": WORDS, "sidecar_version": st.just(1)}),
    "attest": members(
        {
            "manifest": WORDS,
            "manifest_version": st.just(1),
            "algorithm": st.just("MD5"),
            "sum": st.sampled_from(["0" * 32, "f" * 32, "F"]),
        }
    ),
    "start": st.just(STARTED),
    "validated": members(
        {
            "sha256": st.just(SHA_A),
            "size_bytes": st.just(100),
            "media_type": WORDS,
            "metadata": st.dictionaries(WORDS, JSON, max_size=3)
            | st.fixed_dictionaries({"instrument": JSON, "obs_start_utc": WORDS | st.none()}),
            "checks_version": WORDS,
        },
        header_fixes=st.lists(members({"keyword": WORDS, "reason": WORDS}, original=JSON), max_size=1),
        qa=st.lists(members({"check": WORDS, "level": LEVELS, "passed": st.just(True)}, value=JSON), max_size=2),
        warnings=WARNINGS,
        md5=st.sampled_from([None, "0" * 32, "x"]),
        sums=st.sampled_from([None, {}, {"b.fits": "f" * 32}, {"b.fits": 1}]),
        stream_version=st.none() | st.just("3"),
        identity=st.none() | IDENTITIES,
        membership=st.none() | PLACES,
        preview=st.sampled_from([None, True, "off"]),
        usage=USAGE,
    ),
    "transferred": members({"object": OBJECTS}, usage=USAGE),
    "registered": st.just(REGISTERED),
    "fail": members(
        {"code": st.just("IO_ERROR"), "failure_class": st.just("code"), "message": WORDS}, due_at=TIMES
    ),
    "retry": st.just({}),
    "reprocess": members({}, transfer=st.booleans(), overrides=st.dictionaries(WORDS, JSON, max_size=2)),
    "dismiss": st.just({}),
    "reopen": st.just({}),
    "acknowledge": st.just({"codes": ["A_B"]}),
    "remove": members({"what": st.sampled_from(["source", "preview"])}, because=st.none() | WORDS),
}  # fmt: skip
USUAL = ("arrive", "start", "validated", "transferred", "registered")
REPORTS = frozenset({"start", "validated", "transferred", "registered", "fail"})
STEPS = st.lists(st.sampled_from(sorted(ASKED)), max_size=4)
ORDER = st.builds(lambda begun, more: [*USUAL[:begun], *more], st.integers(0, len(USUAL)), STEPS)


def by_its_class(record: Record) -> bytes:
    """The data of the record, as an instance of the fact's class puts it."""
    return orjson.dumps(FACTS[record.type].read(record.data).wire())


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_every_fact_stands_in_the_ledger_as_its_class_would_put_it(machine):
    for record in map(decode_record, life_of(machine)):
        assert orjson.dumps(record.data) == by_its_class(record), record.type


@given(order=ORDER, data=st.data())
def test_so_it_does_whatever_was_told_of_a_file_and_in_whatever_order(order, data):
    story = Story("file", "roman/a")
    for step in order:
        where = current(story) if step in REPORTS and story.where is not None else {}
        record = story.ask(step, data.draw(ASKED[step], label=step), reason="because", **where)
        assert story.decisions[-1].poison is None, story.decisions[-1].poison
        assert orjson.dumps(record.data) == by_its_class(record), record.type
