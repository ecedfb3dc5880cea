"""The archive's own metadata tables are held to the keyword tables they were made with."""

import pytest

from tests.consumers.formats.companions import KOA_NAME, TABLE, table_bytes, tabs_bytes


@pytest.fixture
def found(judged):
    return lambda content: judged(content, "koa-metadata-table", name=KOA_NAME)


@pytest.mark.parametrize(
    ("cells", "code", "keyword"),
    [
        ({"KOAIMTYP": "poetry"}, "VALUE_NOT_LISTED", "KOAIMTYP"),
        ({"FRAMENO": "10000"}, "VALUE_OUT_OF_RANGE", "FRAMENO"),
        ({"UT": "02:05:54.5700000000"}, "METADATA_TOO_LONG", "UT"),
    ],
)
def test_a_value_that_the_keyword_table_has_not_is_named(found, cells, code, keyword):
    told = found(table_bytes(**cells))
    assert (told.verdict, [(each.code, each.keyword) for each in told.warnings]) == ("ok", [(code, keyword)])


def test_what_the_archive_fills_in_may_not_be_null_here(found):
    columns = tuple((*each[:3], "null", "null") if each[0] == "PROGID" else each for each in TABLE)
    told = found(table_bytes(columns=columns))
    assert [(each.code, each.keyword) for each in told.warnings] == [("VALUE_MISSING", "PROGID")]


def test_columns_that_the_keyword_table_has_not_are_counted_and_named(found):
    told = found(table_bytes(columns=(*TABLE, ("SPYGLASS", "char", "", "null", "x"))))
    (unknown,) = (each for each in told.qa if each.check == "columns_unknown")
    assert (told.warnings, unknown.value) == ((), 1)
    assert "SPYGLASS" in str(unknown.message)


def test_an_instrument_without_a_keyword_table_and_a_table_with_tabs_keep_to_themselves(found):
    assert found(table_bytes(INSTRUME="ESI", KOAIMTYP="poetry")).warnings == ()
    assert found(tabs_bytes(KOAIMTYP="poetry")).warnings == ()
