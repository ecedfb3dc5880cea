"""Whatever the bytes: our own look through a file ends soon, and in nothing but a judgement on the file."""

import io
import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.formats import asdf_scan, fits_scan
from consumers.formats.findings import Findings
from consumers.formats.fits_cards import value_of
from consumers.formats.inspection import CODES, InvalidFileError
from tests.consumers.formats.build import asdf_bytes, block, card, fits_bytes
from tests.consumers.formats.fuzzing import scanner

SEEDS = 25
SOON = settings(
    deadline=timedelta(seconds=2),
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
KEYWORDS = (
    "SIMPLE",
    "BITPIX",
    "NAXIS",
    "NAXIS1",
    "PCOUNT",
    "GCOUNT",
    "TFIELDS",
    "ZIMAGE",
    "ZNAXIS",
    "OBJECT",
    "CONTINUE",
)
VALUES = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["T", "F", "'", "''", "'a&'", "'a''b' / c", "", "/", "1D5", "1E999", "(1,2)", "9" * 60]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=70),
)
CARDS = st.one_of(
    st.tuples(st.sampled_from(KEYWORDS), VALUES).map(lambda pair: card(f"{pair[0]:<8}= {pair[1]}"[:80])),
    st.tuples(st.sampled_from(KEYWORDS), VALUES).map(
        lambda pair: card(f"HIERARCH {pair[0]} = {pair[1]}"[:80])
    ),
    st.binary(min_size=80, max_size=80),
    st.just(card("END")),
)


def judge(scan, content: bytes) -> str:
    try:
        scan(io.BytesIO(content), len(content), Findings())
    except InvalidFileError as invalid:
        return invalid.code if invalid.message else "nothing said"
    return "ok"


@SOON
@given(st.binary(max_size=4000))
def test_any_bytes_after_the_first_ones_are_judged(content):
    assert judge(fits_scan.scan, b"SIMPLE  =                    T".ljust(80) + content) in CODES | {"ok"}
    assert judge(asdf_scan.scan, b"#ASDF 1.0.0\n" + content) in CODES | {"ok"}


@SOON
@given(st.lists(CARDS, max_size=40), st.binary(max_size=200))
def test_any_cards_are_judged(cards, data):
    header = b"".join([card("SIMPLE  =                    T"), *cards, card("END")])
    content = header + b" " * (-len(header) % 2880) + data
    assert judge(fits_scan.scan, content) in CODES | {"ok"}


@SOON
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=70))
def test_any_value_field_is_read_or_refused(field):
    value = value_of(field)
    assert value is None or isinstance(value, str | int | float | bool)


YAML_PIECES = st.one_of(
    st.sampled_from(
        ["a: ", "&a ", "*a", "[", "]", "{", "}", "- ", "\n", "  ", ", ", "'", '"', "<<: ", "? ", "| \n"]
    ),
    st.sampled_from(
        ["#", "%TAG", "---\n", "...\n", "$ref: x", "!!python/name:os.system ", "0", "-1", "source: "]
    ),
    st.sampled_from(["!core/ndarray-1.1.0 ", "shape: [2]", "strides: [0]", "datatype: int8"]),
)


@SOON
@given(st.lists(YAML_PIECES, max_size=60).map("".join), st.integers(0, 3))
def test_any_tree_is_judged(tree, blocks):
    assert judge(asdf_scan.scan, asdf_bytes(tree, *[block(bytes(8))] * blocks)) in CODES | {"ok"}


@SOON
@given(
    st.dictionaries(st.sampled_from(["allocated", "used", "data"]), st.integers(0, 2**64 - 1)),
    st.sampled_from([b"\0\0\0\0", b"zlib", b"lz4\0", b"bzp2"]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**16 - 1),
    st.binary(max_size=100),
)
def test_any_block_header_is_judged(sizes, compression, flags, header_bytes, rest):
    lying = block(bytes(8), compression=compression, flags=flags, header_bytes=header_bytes, sizes=sizes)
    tree = "a: !core/ndarray-1.1.0 {source: 0, datatype: int8, shape: [8]}"
    assert judge(asdf_scan.scan, asdf_bytes(tree, lying, rest)) in CODES | {"ok"}


@SOON
@given(
    st.lists(st.integers(-(10**20), 10**20), max_size=5),
    st.lists(st.integers(-(10**20), 10**20), max_size=5),
    st.integers(),
)
def test_any_array_is_judged(shape, strides, offset):
    inside = f"source: 0, datatype: float64, shape: {shape}, strides: {strides}, offset: {offset}"
    content = asdf_bytes(f"a: !core/ndarray-1.1.0 {{{inside}}}", block(bytes(64)))
    assert judge(asdf_scan.scan, content) in CODES | {"ok"}


def spoiled(content: bytes, dice: random.Random) -> bytes:
    """A few bytes changed, cut or doubled, mostly near the beginning, where headers are."""
    wrong = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(min(len(wrong), dice.choice((200, 3000, 12_000))))
        kind = dice.randrange(4)
        if kind == 0:
            wrong[at] = dice.randrange(256)
        elif kind == 1:
            wrong[at : at + dice.randint(1, 80)] = b""
        elif kind == 2:
            wrong[at:at] = wrong[at : at + dice.randint(1, 160)]
        else:
            wrong[at : at + 1] = dice.choice((b"9", b"-", b"'", b"\n", b" ", b"{", b":", b"T"))
    return bytes(wrong)


ODD = (
    "",
    "0",
    "-1",
    "1",
    "9" * 25,
    "1e308",
    "T",
    "'x'",
    "'2023-13-45T99:00:00'",
    f"'{'y' * 60}'",
    "null",
    "[1, 2]",
)
MORE_ODD = ("{a: 1}", "'é'", ".nan", "2023-01-29", "'*'", "1.5", "~", "'-'")


def with_odd_values(content: bytes, dice: random.Random) -> bytes:
    """A few values of the header or the tree replaced by odd ones, everything else left well formed."""
    if content.startswith(b"SIMPLE"):
        cards = [content[at : at + 80] for at in range(0, content.index(b"END     "), 80)]
        rest = content[80 * len(cards) :]
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(1, len(cards))
            cards[at] = cards[at][:10] + dice.choice(ODD + MORE_ODD).encode("latin-1").ljust(70)[:70]
        return b"".join(cards) + rest
    tree, mark, rest = content.partition(b"\n...\n")
    lines = tree.split(b"\n")
    for _ in range(dice.randint(1, 3)):
        at = dice.choice([number for number, line in enumerate(lines) if b": " in line])
        key, _, value = lines[at].partition(b": ")
        tag = value.split(b" ")[0] + b" " if value.startswith(b"!") and dice.random() < 0.7 else b""
        lines[at] = key + b": " + tag + dice.choice(ODD + MORE_ODD).encode()
    return b"\n".join(lines) + mark + rest


@pytest.mark.parametrize("how", [spoiled, with_odd_values])
@pytest.mark.parametrize(
    ("which", "format_name"),
    [("roman", "roman-wfi-l2-asdf"), ("dkist", "dkist-l1-fits"), ("keck", "keck-raw-fits")],
)
def test_spoiled_real_files_are_judged_and_never_a_bug_of_ours(look, made, which, format_name, how):
    content = made[which].read_bytes()
    for seed in range(SEEDS):
        dice = random.Random(f"{which} {seed}")
        result = look(how(content, dice), format_name, name=made[which].name)
        assert result.failure is None, f"seed {seed}: {result.failure}: {result.usage.log_tail}"
        assert result.usage.cpu_s < 5, f"seed {seed}"


def test_the_judgement_on_a_sound_file_is_ok():
    assert judge(fits_scan.scan, fits_bytes()) == "ok"
    assert judge(asdf_scan.scan, asdf_bytes("a: 1")) == "ok"


@pytest.mark.parametrize("target", ["fits", "asdf", "tree", "json", "table", "tabs", "jpeg"])
@SOON
@given(content=st.binary(max_size=3000))
def test_what_the_fuzzer_runs_ends_in_a_judgement(target, content):
    """The same targets, without coverage to guide them: so that they can be run by whoever has atheris."""
    assert scanner(target)(content) in {"ok", *CODES}
