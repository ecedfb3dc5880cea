"""What was announced, and what the stream asks for, against what is there."""

import hashlib

import pytest

from consumers.checks.judge import CODES_OF_FORMATS
from consumers.formats import FORMATS
from consumers.formats.format import ROLES
from consumers.formats.inspection import CODES

CONTENT = b"some bytes"
SUM = hashlib.sha256(CONTENT).hexdigest()


def test_a_file_that_is_as_announced_is_taken(judged):
    found = judged(CONTENT, "any", size_bytes=len(CONTENT), sha256=SUM.upper())
    assert (found.verdict, found.size_bytes, found.sha256) == ("ok", len(CONTENT), SUM)
    assert {r.check: r.passed for r in found.qa if r.check.endswith("announced")} == {
        "size_announced": True,
        "checksum_announced": True,
    }


def test_what_was_not_announced_is_no_pass(judged):
    found = judged(CONTENT, "any")
    assert {r.passed for r in found.qa if r.check.endswith("announced")} == {None}


@pytest.mark.parametrize(
    ("announced", "hint"), [(11, "1 too few, cut on the way"), (9, "1 too many, written to after")]
)
def test_another_size_than_announced_names_both(judged, announced, hint):
    found = judged(CONTENT, "any", size_bytes=announced, sha256=SUM)
    assert (found.verdict, found.code) == ("invalid", "SIZE_MISMATCH")
    assert (found.found, found.wanted) == ("10 bytes", f"{announced} bytes")
    assert hint in found.message


def test_another_checksum_than_announced_names_both(judged):
    other = hashlib.sha256(b"other bytes").hexdigest()
    found = judged(CONTENT, "any", size_bytes=10, sha256=other)
    assert (found.code, found.found, found.wanted) == ("CHECKSUM_MISMATCH", SUM, other)
    assert SUM in found.message
    assert other in found.message


def test_an_empty_file_is_empty_whatever_was_announced(judged):
    assert judged(b"", "any", size_bytes=10, sha256=SUM).code == "EMPTY_FILE"


def test_a_file_over_the_limit_of_size_is_not_read(look):
    from consumers.child import Limits

    result = look(bytes(2000), "any", limits=Limits(file_bytes=1000))
    assert result.inspection.code == "LIMIT_EXCEEDED"
    assert result.inspection.sha256 is None


@pytest.mark.parametrize(
    ("rule", "identity"),
    [
        (None, None),
        ("name", "kb190509_00001"),
        ("koaid", "KB.20190509.07554.57"),
        ("keyword:FRAMENO", "1"),
    ],
)
def test_the_streams_rule_gives_the_identity(judged, made, rule, identity):
    assert judged(made["keck"], "keck-raw-fits", identity_rule=rule).identity == identity


def test_the_values_of_an_asdf_tree_may_be_an_identity_too(judged, made):
    rule = "keyword:roman.meta.observation.visit_id"
    assert judged(made["roman"], "roman-wfi-l2-asdf", identity_rule=rule).identity == "0000101001001001001"


def test_a_file_without_what_its_stream_names_files_by_is_invalid(judged, made):
    found = judged(made["keck"], "keck-raw-fits", identity_rule="keyword:SERIAL")
    assert (found.code, found.wanted) == ("MISSING_KEYWORD", "SERIAL")
    assert judged(made["dkist"], "dkist-l1-fits", identity_rule="koaid").code == "MISSING_KEYWORD"


def test_a_rule_that_nobody_knows_is_our_fault_and_not_the_files(look, made):
    result = look(made["keck"], "keck-raw-fits", identity_rule="astrology")
    assert result.inspection is None
    assert (result.failure.code, result.failure.failure_class) == ("READER_BUG", "code")
    assert "astrology" in result.failure.message


def test_a_setting_that_is_no_choice_is_our_fault_and_not_the_files(look, made):
    result = look(made["keck"], "keck-raw-fits", settings={"duplicate_keyword": "ignore"})
    assert result.inspection is None
    assert (result.failure.code, result.failure.failure_class) == ("READER_BUG", "code")
    assert "found 'ignore', wanted one of invalid, warn" in result.failure.message


def test_a_check_that_nobody_knows_is_a_warning(judged, made):
    found = judged(made["keck"], "keck-raw-fits", stream_checks=("seeing",))
    assert found.verdict == "ok"
    assert [(warning.code, warning.wanted) for warning in found.warnings] == [("UNKNOWN_CHECK", "seeing")]


def test_every_code_of_a_failed_result_is_a_code():
    assert set(CODES_OF_FORMATS.values()) <= CODES


def test_the_formats_are_named_as_streams_name_them():
    names = "roman-wfi-l2-asdf dkist-l1-fits keck-raw-fits rubin-raw-fits fits asdf json ipac-table tab-table"
    assert list(FORMATS)[:13] == [*names.split(), "koa-metadata-table", "checksum-table", "jpeg", "any"]
    assert all(name == each.name and each.role in ROLES for name, each in FORMATS.items())


def test_companions_have_roles_of_their_own():
    roles = {name: each.role for name, each in FORMATS.items() if each.role != "primary"}
    assert roles == {
        "json": "sidecar",
        "ipac-table": "sidecar",
        "tab-table": "sidecar",
        "koa-metadata-table": "sidecar",
        "checksum-table": "manifest",
        "jpeg": "preview",
    }
