"""Damaged and hostile ASDF files: each gets its code, in bounded time and memory; nothing outside is ever touched."""

import bz2
import io
import zlib

import pytest

from tests.consumers.formats.build import ROMAN_NAME, asdf_bytes, block, edit_tree

MEBIBYTE = 1024**2
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)
)

NESTED = "a0: &a0 []\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 300))
INDEX = b"#ASDF BLOCK INDEX\n%YAML 1.1\n---\n- "


def array(**members: object) -> str:
    """A tree with one array, whose members are written as they are given."""
    shown = {"source": 0, "datatype": "uint8", "byteorder": "little", "shape": "[8]"} | members
    inside = ", ".join(f"{key}: {value}" for key, value in shown.items() if value is not None)
    return f"data: !core/ndarray-1.1.0 {{{inside}}}"


def lying(**sizes: int) -> bytes:
    return asdf_bytes(array(), block(bytes(8), sizes=sizes))


HOSTILE = {
    "no bytes at all": (b"", "EMPTY_FILE"),
    "a text": (b"not what you want\n", "NOT_THE_FORMAT"),
    "a FITS file": (b"SIMPLE  =                    T".ljust(2880), "NOT_THE_FORMAT"),
    "a first line of its own": (asdf_bytes("a: 1", head="#ASDF one\n"), "UNREADABLE"),
    "no end of the tree": (asdf_bytes("a: 1")[:-5], "TRUNCATED"),
    "nothing but the first line": (b"#ASDF 1.0.0\n", "TRUNCATED"),
    "a tree of 8 MB": (asdf_bytes(f"a: {'x' * 8 * MEBIBYTE}"), "LIMIT_EXCEEDED"),
    "YAML that is none": (asdf_bytes("a: [1, 2"), "UNREADABLE"),
    "bytes that are no text": (asdf_bytes("a: 1").replace(b"a: 1", b"a: \xff\xfe"), "UNREADABLE"),
    "a tree that is a list": (asdf_bytes("- 1").replace(b"!core/asdf-1.1.0", b""), "UNREADABLE"),
    "two documents": (asdf_bytes("a: 1\n---\nb: 2"), "UNREADABLE"),
    "the billion laughs": (asdf_bytes(LAUGHS), "UNSAFE_CONTENT"),
    "a tree inside itself": (asdf_bytes("a: &a [*a]"), "UNSAFE_CONTENT"),
    "an alias of nothing": (asdf_bytes("a: *b"), "UNREADABLE"),
    "20,000 brackets": (asdf_bytes(f"a: {'[' * 20_000}{']' * 20_000}"), "LIMIT_EXCEEDED"),
    "aliases that nest": (
        asdf_bytes(NESTED),
        "UNSAFE_CONTENT",
    ),
    "300,000 keys": (asdf_bytes("\n".join(f"k{n}: 1" for n in range(300_000))), "LIMIT_EXCEEDED"),
    "a key twice, with other values": (asdf_bytes("a: 1\na: 2"), "DUPLICATE_KEYWORD"),
    "a key twice, over a collection": (asdf_bytes("a: [1]\na: [1]"), "DUPLICATE_KEYWORD"),
    "a Python object": (asdf_bytes("a: !!python/object/apply:os.system ['id']"), "UNSAFE_CONTENT"),
    "a Python name": (asdf_bytes("a: !!python/name:os.system"), "UNSAFE_CONTENT"),
    "an array in another file": (asdf_bytes(array(source="'file:///etc/passwd'")), "UNSAFE_CONTENT"),
    "an array on a server": (asdf_bytes(array(source="'http://127.0.0.1:9/x.asdf'")), "UNSAFE_CONTENT"),
    "an array in a neighbour": (asdf_bytes(array(source="x.asdf")), "UNSAFE_CONTENT"),
    "a block number in quotes": (asdf_bytes(array(source="'0'"), block(bytes(8))), "UNSAFE_CONTENT"),
    "a reference to elsewhere": (asdf_bytes("a: {$ref: 'file:///etc/passwd'}"), "UNSAFE_CONTENT"),
    "an external array by its type": (
        asdf_bytes("a: !core/externalarray-1.0.0 {fileuri: x}"),
        "UNSAFE_CONTENT",
    ),
    "an array at a negative offset": (asdf_bytes(array(offset=-4), block(bytes(8))), "UNSAFE_CONTENT"),
    "a negative offset, of a type nobody knows": (
        asdf_bytes(array(offset=-4, datatype="strange"), block(bytes(8))),
        "UNSAFE_CONTENT",
    ),
    "an array past its block": (asdf_bytes(array(offset=1), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array larger than its block": (asdf_bytes(array(shape="[4, 4]"), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array of negative length": (asdf_bytes(array(shape="[-8]"), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array that stands still": (
        asdf_bytes(array(shape="[1000000]", strides="[0]"), block(bytes(8))),
        "UNSAFE_CONTENT",
    ),
    "an array that walks backwards": (asdf_bytes(array(strides="[-1]"), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array in block -1": (asdf_bytes(array(source=-1), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array whose block is missing": (asdf_bytes(array(source=1), block(bytes(8))), "TRUNCATED"),
    "a block that is cut": (asdf_bytes(array(), block(bytes(8)))[:-1], "TRUNCATED"),
    "a block header that is cut": (asdf_bytes(array(), block(bytes(8)))[:-30], "TRUNCATED"),
    "a block of an exabyte": (lying(allocated=2**60), "TRUNCATED"),
    "a block that uses more than it has": (lying(used=9), "UNSAFE_CONTENT"),
    "a block that reads as a terabyte": (lying(data=2**40), "UNSAFE_CONTENT"),
    "a block header of no length": (asdf_bytes(array(), block(bytes(8), header_bytes=0)), "UNREADABLE"),
    "a block of another magic": (asdf_bytes(array(), block(bytes(8)).replace(b"BLK", b"BLX")), "UNREADABLE"),
    "bytes after the last block": (asdf_bytes(array(), block(bytes(8)), b"more"), "UNREADABLE"),
    "a bzip2 bomb": (
        asdf_bytes(array(), block(bz2.compress(bytes(MEBIBYTE)), compression=b"bzp2", sizes={"data": 8})),
        "UNSAFE_CONTENT",
    ),
    "an unknown compression": (asdf_bytes(array(), block(bytes(8), compression=b"wxyz")), "UNSAFE_CONTENT"),
    "a zlib block that swells": (
        asdf_bytes(array(), block(zlib.compress(bytes(8)), compression=b"zlib", sizes={"data": 2**33})),
        "UNSAFE_CONTENT",
    ),
    "a zlib block of 8 GB, honestly": (
        asdf_bytes(array(), block(bytes(9 * MEBIBYTE), compression=b"zlib", sizes={"data": 2**33})),
        "LIMIT_EXCEEDED",
    ),
    "an index that is cut": (
        asdf_bytes(array(), block(bytes(8)), INDEX + b"1"),
        "TRUNCATED",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_wrong_with_the_file_is_named(look, what):
    content, code = HOSTILE[what]
    result = look(content, "asdf", name="x.asdf")
    found = result.inspection
    assert result.failure is None, result.usage.log_tail
    assert (found.verdict, found.code) == ("invalid", code), found.message
    assert found.message
    assert result.usage.cpu_s < 5
    assert result.usage.peak_rss_bytes < 400 * MEBIBYTE


def test_the_format_of_the_mission_names_it_alike(judged):
    for what in ("the billion laughs", "an array on a server", "a Python object", "a block that is cut"):
        content, code = HOSTILE[what]
        assert judged(content, "roman-wfi-l2-asdf", name=ROMAN_NAME).code == code


HARMLESS = {
    "a key twice, with one value": (asdf_bytes("a: 1\na: 1"), "DUPLICATE_KEYWORD"),
    "a type nobody knows": (asdf_bytes("a: !<tag:example.org:thing-1.0> 1"), "UNKNOWN_TAG"),
    "no index": (asdf_bytes(array(), block(bytes(8))), "NO_BLOCK_INDEX"),
    "an index that is wrong": (
        asdf_bytes(array(), block(bytes(8)), INDEX + b"7\n...\n"),
        "BLOCK_INDEX_WRONG",
    ),
    "zeros after the last block": (asdf_bytes(array(), block(bytes(8)), bytes(50)), "TRAILING_BYTES"),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_does_no_harm_is_a_warning(judged, what):
    content, code = HARMLESS[what]
    found = judged(content, "asdf", name="x.asdf")
    assert found.verdict == "ok", found.message
    assert code in {warning.code for warning in found.warnings}


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
