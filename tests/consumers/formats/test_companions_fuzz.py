"""Whatever the bytes of a companion: our own readers end in nothing but a judgement, and agree with those of others."""

import io
import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.formats import FORMATS, Expected, jpeg_scan
from consumers.formats.findings import Findings
from consumers.formats.inspection import CODES, InvalidFileError
from consumers.formats.ipac_lines import read_table
from consumers.formats.json_tree import read_json
from consumers.formats.tab_lines import read_tabs
from tests.consumers.formats.companions import MD5, jpeg_bytes, segment, sums_bytes, table_bytes, tabs_bytes

SOON = settings(
    deadline=timedelta(seconds=2),
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def judge(read, content: bytes) -> str:
    try:
        read(content, Findings())
    except InvalidFileError as invalid:
        return invalid.code if invalid.message and invalid.code in CODES else "nothing said"
    return "ok"


def is_judged(read, content: bytes) -> bool:
    return judge(read, content) in CODES | {"ok"}


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


def same(ours, theirs) -> bool:
    """Alike in every part, types too: 1 is neither 1.0 nor true."""
    if isinstance(theirs, dict):
        return (
            isinstance(ours, dict)
            and ours.keys() == theirs.keys()
            and all(same(ours[k], theirs[k]) for k in theirs)
        )
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs and type(ours) is type(theirs)


@SOON
@given(
    st.dictionaries(st.text(), TREES, max_size=5) | st.lists(TREES, max_size=5),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
)
def test_what_python_writes_as_json_is_read_as_it_was_meant(tree, indent, ascii_only):
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii_only)
    assert same(read_json(text.encode(), Findings()), json.loads(text))


JSON_PIECES = st.sampled_from([*"{}[],:\"\\10- '\n\x00", '"a"', "1e9", "true", "nul", '"\\u00'])


@SOON
@given(st.lists(JSON_PIECES, max_size=60).map("".join))
def test_any_pieces_of_json_are_judged_as_python_judges_them(text):
    found = judge(read_json, text.encode())
    assert found in CODES | {"ok"}
    pairs: list[bool] = []

    def noted(told: list[tuple[str, object]]) -> dict[str, object]:
        pairs.append(len(dict(told)) < len(told))
        return dict(told)

    try:
        json.loads(text, object_pairs_hook=noted)
    except (ValueError, RecursionError):
        assert found not in {"ok", "DUPLICATE_KEYWORD"}
    else:
        # What Python takes and we do not: a key twice, a number that no double holds.
        assert found in {"ok", "LIMIT_EXCEEDED"} or any(pairs)


@SOON
@given(st.binary(max_size=3000))
def test_any_bytes_are_judged(content):
    assert is_judged(read_json, content)
    assert is_judged(read_table, content)
    assert is_judged(read_tabs, b"a\tb\n" + content)
    assert is_judged(jpeg_scan.scan, b"\xff\xd8\xff" + content)


TABLE_PIECES = st.one_of(
    st.sampled_from(
        ["|", "|a  ", "|char", "\n", " ", " x  ", "|\n", "\\", "|int ", "null", "\t", "1.5", "é", "\r\n"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8),
)


@SOON
@given(st.lists(TABLE_PIECES, max_size=60).map("".join))
def test_any_table_is_judged(text):
    assert is_judged(read_table, text.encode())
    assert is_judged(read_table, b"|a   |b   |\n" + text.encode())
    assert is_judged(read_tabs, text.encode())
    assert is_judged(read_tabs, b"a\tb\n" + text.encode())


@SOON
@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=20),
    st.binary(max_size=200),
    st.sampled_from([0xC0, 0xC2, 0xC4]),
    st.integers(0, 65535),
    st.integers(0, 65535),
)
def test_any_markers_are_judged(segments, data, marker, width, height):
    before = [segment(each, body) for each, body in segments]
    assert is_judged(
        jpeg_scan.scan, jpeg_bytes(*before, data=data, frame_marker=marker, width=width, height=height)
    )


@pytest.mark.parametrize(
    ("format_name", "content", "name"),
    [
        ("koa-metadata-table", table_bytes(), "KB.20190509.07554.57.metadata.table"),
        ("koa-metadata-table", tabs_bytes(), "KB.20190509.07554.57.metadata.table"),
        ("checksum-table", sums_bytes(*[f"{MD5}  file{n}.fits" for n in range(5)]), "a.md5sum.table"),
        ("jpeg", jpeg_bytes(), "a.jpg"),
        ("json", b'{"a": [1, 2.5, "x"], "b": {"c": null}}', "a.json"),
    ],
)
@SOON
@given(st.data())
def test_a_companion_with_bytes_changed_cut_or_doubled_is_judged(tmp_path, format_name, content, name, data):
    wrong = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(wrong) - 1)))
        cut, put = data.draw(st.integers(0, 60)), data.draw(st.binary(max_size=10))
        wrong[at : at + cut] = put
    path = tmp_path / name
    path.write_bytes(bytes(wrong))
    with path.open("rb") as source:
        found = FORMATS[format_name].inspect_open(io.BufferedReader(source.raw), Expected(name))
    assert found.code in CODES | {None}
    assert (found.code is None) == (found.verdict == "ok")
