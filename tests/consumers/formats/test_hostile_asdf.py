"""Damaged ASDF files beyond the corpus: what asdf writes itself, block checksums, and the mission's schema."""

import io

import pytest

from tests.consumers.formats.build import ROMAN_NAME, asdf_bytes, block, edit_tree
from tests.consumers.formats.corpus.asdf_rows import INDEX, ROWS, array

BY_NAME = {row.what: row for row in ROWS}


def test_the_format_of_the_mission_names_it_alike(judged):
    for what in ("the billion laughs", "an array on a server", "a Python object", "a block that is cut"):
        row = BY_NAME[what]
        assert judged(row.bytes(), "roman-wfi-l2-asdf", name=ROMAN_NAME).code == row.code


@pytest.mark.parametrize(
    "tree",
    [
        "a: &a {x: 1}\nb: *a\nc: [*a, *a]",
        array(shape="[2, 2]", strides="[4, 1]"),
        array(shape="[4]", strides="[-1]", offset=7),
        array(source=None, shape=None, data="[1, 2, 3]", datatype="int8"),
    ],
)
def test_what_asdf_writes_itself_is_welcome(judged, tree):
    found = judged(asdf_bytes(tree, block(bytes(8)), INDEX + b"0\n...\n"), "asdf")
    assert found.verdict == "ok", found.message


def test_a_flipped_bit_is_seen_by_the_checksums_of_the_blocks(judged, made):
    content = bytearray(made["roman"].read_bytes())
    first_block = content.index(b"\xd3BLK")
    content[first_block + 100] ^= 1
    found = judged(bytes(content), "roman-wfi-l2-asdf", name=ROMAN_NAME)
    sums = next(result for result in found.qa if result.check == "block_checksums")
    assert (found.verdict, sums.passed) == ("ok", False), "advisory, unless the stream asks for more"
    assert "block 0" in sums.message
    wanted = {"name": ROMAN_NAME, "stream_checks": ("block_checksums",)}
    assert judged(bytes(content), "roman-wfi-l2-asdf", **wanted).code == "CHECKSUM_MISMATCH"


ROMAN = {
    "a key is missing": (r"^    telescope: ROMAN\n", "", "SCHEMA_VIOLATION", "telescope"),
    "a value is not allowed": (r"detector: WFI01", "detector: WFI99", "SCHEMA_VIOLATION", "WFI99"),
    "a type is wrong": (r"exposure_time: 139.8", "exposure_time: long", "SCHEMA_VIOLATION", "long"),
    "an array is missing": (r"^  dq: !core/ndarray-1.1.0\n(?:    .*\n)+", "", "SCHEMA_VIOLATION", "dq"),
    "it names another file": (r"filename: \S+", "filename: other.asdf", "BAD_NAME", "other.asdf"),
    "it has no name": (r"^    filename: \S+\n", "", "BAD_NAME", "nothing"),
    "it is of the future": (
        r"wfi_image-\d+\.\d+\.\d+",
        "wfi_image-99.0.0",
        "SCHEMA_VIOLATION",
        "wfi_image-99.0.0",
    ),
    "it is another product": (
        r"wfi_image-\d+\.\d+\.\d+",
        "wfi_mosaic-1.0.0",
        "SCHEMA_VIOLATION",
        "wfi_mosaic-1.0.0",
    ),
    "it has no type": (r"^roman: !<\S+>", "roman:", "SCHEMA_VIOLATION", "none"),
    "it is not Roman's": (r"^roman: ", "hubble: ", "SCHEMA_VIOLATION", "roman"),
}


@pytest.mark.parametrize("what", ROMAN)
def test_a_roman_image_against_its_schema_says_where(judged, made, what):
    pattern, replacement, code, named = ROMAN[what]
    found = judged(
        edit_tree(made["roman"].read_bytes(), pattern, replacement), "roman-wfi-l2-asdf", name=ROMAN_NAME
    )
    assert (found.verdict, found.code) == ("invalid", code), found.message
    assert named in found.message


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
def test_a_roman_image_that_is_cut_is_truncated(judged, made, kept):
    content = made["roman"].read_bytes()
    found = judged(content[: int(len(content) * kept)], "roman-wfi-l2-asdf", name=ROMAN_NAME)
    assert found.code == "TRUNCATED", found.message


def test_a_name_that_says_other_than_the_header_is_listed(judged, made):
    content = edit_tree(made["roman"].read_bytes(), "optical_element: F158", "optical_element: F062")
    found = judged(content, "roman-wfi-l2-asdf", name=ROMAN_NAME)
    consistent = next(result for result in found.qa if result.check == "name_consistent")
    assert (found.verdict, consistent.passed) == ("ok", False)
    assert "f158 in the name, F062 inside" in consistent.message


def test_a_time_that_is_none_is_no_crash(judged, made):
    content = edit_tree(
        made["roman"].read_bytes(), r"start_time: !time/time-1.4.0 \S+", "start_time: !time/time-1.4.0 soon"
    )
    found = judged(content, "roman-wfi-l2-asdf", name=ROMAN_NAME)
    assert found.verdict == "invalid"
    assert found.code in {"SCHEMA_VIOLATION", "UNREADABLE"}


def test_shortened_schemas_judge_as_the_whole_ones(made):
    """The schemas are read without their descriptions; what they say of a file must stay the same."""
    import asdf
    from asdf.exceptions import ValidationError

    from consumers.formats.terse_schemas import TerseSchemas

    def judgement(content: bytes, terse: bool) -> str | None:
        with asdf.config_context() as config:
            config.validate_on_read = True
            if terse:
                config.add_resource_mapping(TerseSchemas(asdf.get_config().resource_manager))
            try:
                asdf.open(io.BytesIO(content), lazy_tree=True).close()
            except ValidationError as error:
                return error.message
        return None

    good = made["roman"].read_bytes()
    bad = [
        edit_tree(good, *ROMAN[what][:2])
        for what in ROMAN
        if what.startswith(("a ", "an ")) or "name" in what
    ]
    for content in (good, *bad):
        assert judgement(content, terse=True) == judgement(content, terse=False)
    assert sum(judgement(content, terse=True) is not None for content in bad) >= 4
