"""Conditions that people type: read into columns, signs and bound values, or refused; never SQL as it was typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectors.file_where import Columns, WhereError, read_where

COLUMNS: Columns = {
    "file": ("f", "text"), "code": ("f", "text"), "size_bytes": ("f", "number"), "version": ("f", "number"),
    "since_at": ("f", "time"), "is_held": ("f", "boolean"), "extra": ("m", "other"), "obs_start_tai": ("m", "tai"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "sql", "values"),
    [
        ("size_bytes > 1e9", 'f."size_bytes" > :where0', [1e9]),
        ("code = 'it''s'", 'f."code" = :where0', ["it's"]),
        ("is_held", 'f."is_held"', []),
        ("NOT is_held and CODE is not null", 'NOT (f."is_held") AND f."code" IS NOT NULL', []),
        (
            "version in (1, 2) or code like 'QA%' and is_held = true",
            '(f."version" IN (:where0, :where1) OR f."code" LIKE :where2 AND f."is_held" = :where3)',
            [1, 2, "QA%", True],
        ),
        ("version = size_bytes", 'f."version" = f."size_bytes"', []),
        ("(version not between -1 and 2)", '(f."version" NOT BETWEEN :where0 AND :where1)', [-1, 2]),
    ],
)
def test_what_is_meant_is_read_with_its_values_bound(typed, sql, values):
    found = read_where(typed, COLUMNS)
    assert (found.sql, list(found.values.values())) == (sql, values)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("siez_bytes > 3", "found no column siez_bytes, wanted one of file, code, .*did you mean size_bytes"),
        ("version = 1; DROP TABLE x", "found '; DROP TABLE x'"),
        ("version = 1 -- x", "found '-- x'"),
        ("pg_sleep(10) = 1", "found no column pg_sleep"),
        ("version = (SELECT 1)", "wanted a number"),
        ("version = 1 UNION SELECT 1", "found UNION, wanted AND, OR or the end"),
        ("code = 3", "found 3, wanted a text"),
        ("code = file_metadata", "found no column file_metadata"),
        ("version = 'x'", "wanted a number"),
        ("version = file", "found file, wanted a value that is a number"),
        ("since_at > 'yesterday'", "wanted a UTC time"),
        ("obs_start_tai > '2026-11-21T06:00Z'", "wanted a TAI time"),
        ("extra = '1'", "IS NULL or IS NOT NULL"),
        ("code", "found the end, wanted a comparison"),
        ("(is_held", r"found the end, wanted \)"),
        ('"version" = 1', "found '\"version\" = 1'"),
        ("", "found the end, wanted a column"),
        ("(" * 100 + "is_held" + ")" * 100, "no more than 40"),
    ],
)
def test_anything_else_is_refused_and_says_what_there_is(typed, told):
    with pytest.raises(WhereError, match=told):
        read_where(typed, COLUMNS)


@given(
    st.lists(
        st.sampled_from(
            [*COLUMNS, *"()'<>=,;-:%\\\" x1$\0", "AND", "OR", "NOT", "'a'", "1", "IS", "NULL", "IN"]
        )
    )
)
def test_nothing_but_our_own_words_gets_into_the_sql(parts):
    try:
        found = read_where(" ".join(parts), COLUMNS)
    except WhereError:
        return
    own = {f'{row}."{name}"' for name, (row, _) in COLUMNS.items()} | {f":{name}" for name in found.values}
    words = {"AND", "OR", "NOT", "IS", "NULL", "IN", "<", ">", "=", "<>", "<=", ">="}
    left = found.sql
    for each in sorted(own, key=len, reverse=True):
        left = left.replace(each, " ")
    assert set(left.replace("(", " ").replace(")", " ").replace(",", " ").split()) <= words
