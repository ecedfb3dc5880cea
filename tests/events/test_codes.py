"""The table of codes: every code that can be met is explained, in words that help."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.formats.inspection import CODES
from events.codes import KINDS, Kind, codes, explained
from machines.file_state import FileState
from service.why import why
from service.why_text import lines_of
from tests.service.test_why import a_story

HERE = Path(__file__).parent.parent.parent
CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{6,}")

# Who speaks of a code, by the name of what is called, and what a code is there. The first text that looks like one.
SPEAKERS: dict[str, Kind] = {
    "InvalidFileError": "invalid",
    "unlike": "invalid",
    "Failed": "failed",
    "ChildFailure": "failed",
    "Made": "warning",
    "_failure": "failed",
    "_failed": "failed",
    "Wait": "waiting",
    "Objection": "refused",
    "Refusal": "refused",
    "DeadLetter": "refused",
    "dead_letter": "refused",
    "warn": "warning",
    "_warn": "warning",
    "WarningFinding": "warning",
    "Warning_": "warning",
}


def spoken(folder: str) -> Iterator[tuple[Kind, str, str]]:
    """Kind, code and place of every code that stands in the folder as a text of its own."""
    for path in sorted((HERE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                arguments = [*node.args, *(each.value for each in node.keywords if each.arg == "code")]
                texts = (each.value for each in arguments if isinstance(each, ast.Constant))
                found = next((text for text in texts if isinstance(text, str) and CODE.fullmatch(text)), None)
                if name in SPEAKERS and found:
                    yield SPEAKERS[name], found, f"{path.relative_to(HERE)}:{node.lineno}"


SPOKEN = [each for folder in ("consumers", "machines", "service/decider") for each in spoken(folder)]


def test_every_code_that_is_spoken_is_explained():
    missing = {(kind, code): place for kind, code, place in SPOKEN if not is_explained(kind, code)}
    assert not missing, "add them to events/codes.toml"
    assert len({code for _, code, _ in SPOKEN}) > 60, "the search finds what it looks for"


def is_explained(kind: Kind, code: str) -> bool:
    found = explained(code, kind)
    return found is not None and found.kind == kind


def test_what_makes_a_file_invalid_is_in_the_table_and_nothing_else_is():
    # Two codes come from the source, one stands for the checks of streams.
    assert {each.code for each in codes("invalid")} == CODES | {"SOURCE_REFUSED", "SOURCE_TOO_LARGE", "QA_*"}


def test_the_codes_of_stores_are_explained():
    from consumers import storage_errors

    for name in storage_errors.__all__:
        code = getattr(getattr(storage_errors, name), "code", None)
        if isinstance(code, str):
            assert explained(code) is not None, name


@pytest.mark.parametrize("each", codes(), ids=lambda each: f"{each.kind} {each.code}")
def test_each_is_said_in_sentences(each):
    for words in (each.says, each.cause, each.remedy):
        assert words[0].isupper()
        assert words.endswith(".")
        assert 10 < len(words) <= 130
        assert "|" not in words, "it stands in a table"


def test_a_code_is_explained_as_the_kind_that_is_asked_for_first():
    assert explained("SCHEMA_VIOLATION", "refused").kind == "refused"
    assert explained("SCHEMA_VIOLATION", "invalid").kind == "invalid"
    assert explained("SIDECAR_LATE", "invalid").kind == "warning"
    assert explained("SOMEBODY_ELSES") is None
    assert [each.kind for each in codes()] == sorted((each.kind for each in codes()), key=KINDS.index)


def test_a_check_of_a_stream_is_explained_by_its_family():
    assert explained("QA_AIRMASS", "invalid").code == "QA_*"
    assert explained("QA_AIRMASS", "warning").kind == "warning"


@pytest.mark.parametrize(
    ("state", "code"),
    [("INVALID", "TRUNCATED"), ("ERROR", "IDENTITY_CONFLICT"), ("DISMISSED", "EMPTY_FILE")],
)
def test_why_says_what_a_code_means(state, code):
    assert state in {each.value for each in FileState}
    members = {"code": code, "dismissed_code": code, "message": "as found", "failure_class": "data"}
    answer = why(a_story(state, **members))
    assert answer.meaning == explained(code)
    text = "\n".join(lines_of(answer))
    assert f"{code}: {answer.meaning.says} Likely cause: {answer.meaning.cause}" in text
    assert f"remedy: {answer.meaning.remedy}" in text


def test_why_says_nothing_of_a_code_that_nobody_knows():
    answer = why(a_story("INVALID", code="SOMEBODY_ELSES", message="as found"))
    assert answer.meaning is None
    assert "remedy:" not in "\n".join(lines_of(answer))
