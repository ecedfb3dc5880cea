"""How answers are printed, format by format; the expected texts are contracts of scripts."""

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from service.cli.output import Column, Output, fitted, plain

COLUMNS = (
    Column("file"),
    Column("state"),
    Column("size_bytes", is_number=True),
    Column("since_at", "since"),
    Column("codes"),
)
AT = datetime(2026, 11, 21, 5, 41, 7, 218_500, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {
        "file": "roman/a",
        "state": "COMPLETE",
        "size_bytes": 318767104,
        "since_at": AT,
        "codes": [],
        "hidden": 1,
    },
    {
        "file": "keck/b",
        "state": "ERROR",
        "size_bytes": None,
        "since_at": AT,
        "codes": ["A", 'B"C'],
        "hidden": {"x": AT},
    },
]

TABLE = """\
FILE     STATE     SIZE BYTES  SINCE                CODES
roman/a  COMPLETE   318767104  2026-11-21 05:41:07
keck/b   ERROR                 2026-11-21 05:41:07  A, B"C
"""

CSV = """\
file,state,size_bytes,since_at,codes
roman/a,COMPLETE,318767104,2026-11-21T05:41:07.218Z,[]
keck/b,ERROR,,2026-11-21T05:41:07.218Z,"[""A"", ""B\\""C""]"
"""

NDJSON = (
    '{"file": "roman/a", "state": "COMPLETE", "size_bytes": 318767104, "since_at": "2026-11-21T05:41:07.218Z", '
    '"codes": [], "hidden": 1}\n'
    '{"file": "keck/b", "state": "ERROR", "size_bytes": null, "since_at": "2026-11-21T05:41:07.218Z", '
    '"codes": ["A", "B\\"C"], "hidden": {"x": "2026-11-21T05:41:07.218Z"}}\n'
)


def printed(form: str, rows: list[dict[str, Any]] = ROWS) -> str:
    stream = io.StringIO()
    Output(form, stream=stream).rows(COLUMNS, rows, ids="file")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("form", "wanted"), [("table", TABLE), ("csv", CSV), ("ndjson", NDJSON), ("ids", "roman/a\nkeck/b\n")]
)
def test_rows_are_printed_as_they_always_were(form, wanted):
    assert printed(form) == wanted


def test_json_has_every_member_not_only_the_columns():
    assert json.loads(printed("json")) == [json.loads(line) for line in NDJSON.splitlines()]


@pytest.mark.parametrize(("form", "wanted"), [("table", ""), ("json", "[]\n"), ("ndjson", ""), ("ids", "")])
def test_nothing_found_is_no_data(form, wanted, capsys):
    assert printed(form, []) == wanted
    assert capsys.readouterr().err == ("nothing found\n" if form == "table" else "")


def test_an_empty_csv_still_has_its_head():
    assert printed("csv", []) == CSV.splitlines(keepends=True)[0]


def test_at_a_terminal_there_are_colours_unless_nobody_wants_them(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = Terminal()
    Output("table", stream=coloured).rows(COLUMNS, ROWS, ids="file")
    assert "\x1b[32m" in coloured.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    bare = Terminal()
    Output("table", stream=bare).rows(COLUMNS, ROWS, ids="file")
    assert "\x1b[3" not in bare.getvalue()
    assert "COMPLETE" in bare.getvalue()


def test_a_document_is_lines_for_people_and_members_for_programs():
    def shown(form: str) -> str:
        stream = io.StringIO()
        Output(form, stream=stream).document({"id": 7, "a": {"b": AT}}, lines=["seven"], ids="id")
        return stream.getvalue()

    assert shown("table") == "seven\n"
    assert json.loads(shown("json")) == {"id": 7, "a": {"b": "2026-11-21T05:41:07.218Z"}}
    assert shown("csv") == "member,value\nid,7\na.b,2026-11-21T05:41:07.218Z\n"
    assert shown("ids") == "7\n"


def test_a_list_within_a_document_is_named_one_by_one():
    def shown(form: str, *halts: dict) -> str:
        stream = io.StringIO()
        Output(form, stream=stream).document({"halts": list(halts)}, lines=["two"], ids="halts.code")
        return stream.getvalue()

    halts = {"code": "A", "details": {"offset": 7}}, {"code": "B", "at": AT}, {"code": "A"}
    assert shown("ids", *halts) == "A\nB\n"
    assert shown("csv", *halts) == "code,details.offset,at\nA,7,\nB,,2026-11-21T05:41:07.218Z\nA,,\n"
    assert (shown("ids"), shown("csv")) == ("", "code\n")
    assert json.loads(shown("json", *halts))["halts"][0] == halts[0]


def test_remarks_go_beside_the_data_and_can_be_turned_off(capsys):
    Output("table").say("a remark")
    Output("table", quiet=True).say("another")
    assert capsys.readouterr() == ("", "a remark\n")
    Output("json").say("a remark")
    assert capsys.readouterr() == ("", '{"event": "remark", "text": "a remark"}\n')


def test_what_is_no_number_is_none_as_json_has_no_word_for_it():
    assert plain({"values": [float("nan"), float("inf"), Decimal("NaN"), 0.5]}) == {
        "values": [None, None, None, 0.5]
    }


def test_values_are_plain_json():
    assert plain({"at": AT, "part": Decimal("0.5"), "set": {1}, "none": None}) == {
        "at": "2026-11-21T05:41:07.218Z",
        "part": 0.5,
        "set": [1],
        "none": None,
    }


def test_a_reader_who_has_had_enough_is_no_error():
    command = [sys.executable, "-m", "service", "schema", "list", "-o", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        running.stdout.close()
        _, said = running.communicate(timeout=60)
    assert running.returncode == 0
    assert said == ""


WIDE = (Column("file"), Column("attempt", is_number=True, is_minor=True), Column("message", is_text=True))
LONG = [["roman-wfi/r0000101001001001001_0001_wfi01_f158_cal", "1", "found this, wanted that; " * 10]]


@pytest.mark.parametrize(
    ("width", "titles"), [(160, ["FILE", "ATTEMPT", "MESSAGE"]), (80, ["FILE", "MESSAGE"])]
)
def test_in_a_window_texts_are_cut_to_the_room_and_what_is_minor_goes_first(width, titles):
    columns, [line] = fitted(WIDE, LONG, width)
    assert [column.title for column in columns] == titles
    assert line[0] == LONG[0][0]
    assert line[-1].endswith("…")
    assert sum(len(cell) + 3 for cell in line) <= width + 3


def test_what_has_room_is_not_cut():
    assert fitted(WIDE, [["a", "1", "short"]], 80)[1] == [["a", "1", "short"]]


@pytest.mark.parametrize("form", ["json", "ndjson"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_long_member_is_written_row_by_row_as_if_it_had_been_held(form, count):
    rows = [
        {"at": AT, "text": 'two\nlines and "[]"', "deep": {"n": number, "none": []}}
        for number in range(count)
    ]
    taken: list[int] = []
    written: list[str] = []

    class Watched(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return super().write(text)

    def one_by_one():
        for number, row in enumerate(rows):
            assert number == 0 or '"n"' in written[-1], "the row before is written first"
            taken.append(number)
            yield row

    long, held = Watched(), io.StringIO()
    Output(form, stream=long).document(
        {"id": 7, "empty": []}, lines=(), ids="id", long=("rows", one_by_one())
    )
    Output(form, stream=held).document({"id": 7, "empty": [], "rows": rows}, lines=(), ids="id")
    assert long.getvalue() == held.getvalue()
    assert taken == list(range(count))


COMMANDING = "\x1b[31mred\x9b2J\u202egnp.\x7f"


def test_a_name_commands_no_terminal(capsys):
    """Names of files that are looked at come from strangers; programs are given them as they are."""
    stream = io.StringIO()
    out = Output("table", stream=stream)
    out.rows((Column("file"),), [{"file": COMMANDING}], ids="file")
    out.lines([f"  the file {COMMANDING}\n\tits second line"])
    out.say(f"about {COMMANDING}")
    shown = "\\x1b[31mred\\x9b2J\\u202egnp.\\x7f"
    assert stream.getvalue() == f"FILE\n{shown}\n  the file {shown}\n\tits second line\n"
    assert capsys.readouterr().err == f"about {shown}\n"


@pytest.mark.parametrize("form", ["table", "json", "ndjson", "csv", "ids"])
def test_a_name_that_is_no_text_is_printed_all_the_same(form):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8", errors="strict")
    Output(form, stream=stream).rows((Column("file"),), [{"file": "night/\udcff.fits"}], ids="file")
    assert b"night/\\udcff.fits" in raw.getvalue()
