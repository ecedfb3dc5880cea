"""ASDF files that are damaged or made to do harm: in their trees, their arrays and their blocks."""

import bz2
import hashlib
import zlib

import lz4.block

from tests.consumers.formats.build import asdf_bytes, block
from tests.consumers.formats.corpus.row import Content, Row, rows, warned

__all__ = ["INDEX", "ROWS", "array"]

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


def quarter_of_a_gigabyte() -> bytes:
    """An lz4 block as asdf writes it, in pieces, that is a 250th of what it holds, and says so."""
    piece = lz4.block.compress(bytes(16 * MEBIBYTE))
    packed = (len(piece).to_bytes(4, "big") + piece) * 16
    told = {"data": 256 * MEBIBYTE}
    return asdf_bytes(array(shape="[16384, 16384]"), block(packed, compression=b"lz4\0", sizes=told))


def packed_by_others(name: bytes, packed: bytes) -> bytes:
    """A block in a packing that asdf knows, or has an extension for, and that bounds nothing."""
    return asdf_bytes(array(), block(packed, compression=name, sizes={"data": 8}))


HOSTILE: dict[str, tuple[Content, str]] = {
    "no bytes at all": (b"", "EMPTY_FILE"),
    "a text": (b"not what you want\n", "NOT_THE_FORMAT"),
    "a FITS file": (b"SIMPLE  =                    T".ljust(2880), "NOT_THE_FORMAT"),
    "a first line of its own": (asdf_bytes("a: 1", head="#ASDF one\n"), "UNREADABLE"),
    "no end of the tree": (asdf_bytes("a: 1")[:-5], "TRUNCATED"),
    "nothing but the first line": (b"#ASDF 1.0.0\n", "TRUNCATED"),
    "a tree of 8 MB": (lambda: asdf_bytes(f"a: {'x' * 8 * MEBIBYTE}"), "LIMIT_EXCEEDED"),
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
    "300,000 keys": (lambda: asdf_bytes("\n".join(f"k{n}: 1" for n in range(300_000))), "LIMIT_EXCEEDED"),
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
    "a bzip2 block as it should be": (packed_by_others(b"bzp2", bz2.compress(bytes(8))), "UNSAFE_CONTENT"),
    "a Zstandard block": (packed_by_others(b"zstd", b"\x28\xb5\x2f\xfd" + bytes(16)), "UNSAFE_CONTENT"),
    "a Blosc block": (packed_by_others(b"blsc", bytes(32)), "UNSAFE_CONTENT"),
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
    "the laughs in a merge": (asdf_bytes(LAUGHS + "\nb: {<<: *a9}"), "UNSAFE_CONTENT"),
    "the laughs as keys": (asdf_bytes("a: &a {x: 1}\n? *a\n: 2\nb: *nobody"), "UNREADABLE"),
    "a merge key that repeats": (asdf_bytes("a: {x: 1, x: 2}"), "DUPLICATE_KEYWORD"),
    "a key twice, as text and number": (asdf_bytes("a: 1\na: '1'"), "DUPLICATE_KEYWORD"),
    "a key twice, deep inside": (asdf_bytes("a: {b: [{c: 1, c: 2}]}"), "DUPLICATE_KEYWORD"),
    "a key twice, though others pass": (asdf_bytes("a: 1\na: 2"), "DUPLICATE_KEYWORD"),
    "20,000 lists in lists, by lines": (
        lambda: asdf_bytes("\n".join(f"{' ' * n}-" for n in range(500))),
        "LIMIT_EXCEEDED",
    ),
    "a NUL in the tree": (asdf_bytes("a: b\x00c"), "UNREADABLE"),
    "an escape in the tree": (asdf_bytes("a: b\x1bc"), "UNREADABLE"),
    "a tab for indentation": (asdf_bytes("a:\n\tb: 1"), "UNREADABLE"),
    "UTF-16": (b"#ASDF 1.0.0\n" + "--- a: 1\n...\n".encode("utf-16"), "TRUNCATED"),
    "a directive of YAML 9": (asdf_bytes("a: 1").replace(b"%YAML 1.1", b"%YAML 9.9"), "UNREADABLE"),
    "a tag of no handle": (asdf_bytes("a: !nobody!x 1"), "UNREADABLE"),
    "an empty tree": (asdf_bytes(""), "UNREADABLE"),
    "a tree that is a text": (asdf_bytes("hello").replace(b"!core/asdf-1.1.0", b""), "UNREADABLE"),
    "a Python tuple": (asdf_bytes("a: !!python/tuple [1, 2]"), "UNSAFE_CONTENT"),
    "a Python module": (asdf_bytes("a: !!python/module:os x"), "UNSAFE_CONTENT"),
    "a type of YAML that runs code": (asdf_bytes("a: !!js/function 'x'"), "UNSAFE_CONTENT"),
    "a reference in a list": (asdf_bytes("a: [{$ref: '#/b'}]"), "UNSAFE_CONTENT"),
    "an array over FTP": (asdf_bytes(array(source="'ftp://host/x'")), "UNSAFE_CONTENT"),
    "an array up the folders": (asdf_bytes(array(source="../../../etc/passwd")), "UNSAFE_CONTENT"),
    "an array whose source is a fraction": (asdf_bytes(array(source=0.5), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array whose source is a list": (asdf_bytes(array(source="[0]"), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array whose source is null": (asdf_bytes(array(source="null"), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array in block 10^18": (asdf_bytes(array(source=10**18), block(bytes(8))), "TRUNCATED"),
    "an array at an offset of 2^63": (asdf_bytes(array(offset=2**63), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array at half a byte": (asdf_bytes(array(offset=0.5), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array of 10^18 by 10^18": (
        asdf_bytes(array(shape=f"[{10**18}, {10**18}]"), block(bytes(8))),
        "UNSAFE_CONTENT",
    ),
    "an array of 65 axes": (asdf_bytes(array(shape=str([1] * 65)), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array without a shape": (asdf_bytes(array(shape=None), block(bytes(8))), "UNSAFE_CONTENT"),
    "an array of any length in a block with sizes": (
        asdf_bytes(array(shape="['*']"), block(bytes(8))),
        "UNSAFE_CONTENT",
    ),
    "strides that leap out": (
        asdf_bytes(array(shape="[2, 2]", strides="[100, 1]"), block(bytes(8))),
        "UNSAFE_CONTENT",
    ),
    "fewer strides than axes": (
        asdf_bytes(array(shape="[2, 2]", strides="[1]"), block(bytes(8))),
        "UNSAFE_CONTENT",
    ),
    "strides that are texts": (asdf_bytes(array(strides="['1']"), block(bytes(8))), "UNSAFE_CONTENT"),
    "texts of ten billion letters": (
        asdf_bytes(array(datatype="[ascii, 10000000000]", shape="[1]"), block(bytes(8))),
        "UNSAFE_CONTENT",
    ),
    "a block header of 65,535 bytes": (asdf_bytes(array(), block(bytes(8), header_bytes=65535)), "TRUNCATED"),
    "a block header of 47 bytes": (asdf_bytes(array(), block(bytes(8), header_bytes=47)), "UNREADABLE"),
    "a block of 2^64 - 1": (lying(allocated=2**64 - 1, used=2**64 - 1, data=2**64 - 1), "TRUNCATED"),
    "a block that uses and reads more than it has": (lying(used=9, data=9), "UNSAFE_CONTENT"),
    "a block that reads as one byte more": (lying(data=9), "UNSAFE_CONTENT"),
    "no document at all": (b"#ASDF 1.0.0\n#ASDF_STANDARD 1.6.0\n...\n", "UNREADABLE"),
    "a block that reads as fewer bytes": (lying(data=7), "UNSAFE_CONTENT"),
    "an lz4 block that swells": (
        asdf_bytes(array(), block(bytes(1000), compression=b"lz4\0", sizes={"data": 2**30})),
        "UNSAFE_CONTENT",
    ),
    "a block cut in its magic": (asdf_bytes(array(), block(bytes(8)), b"\xd3BL"), "UNREADABLE"),
    "a block after zeros, cut": (asdf_bytes(array(), bytes(100), block(bytes(8))[:-2]), "TRUNCATED"),
    "10,001 blocks": (lambda: asdf_bytes(array(), *[block(bytes(8))] * 10_001), "LIMIT_EXCEEDED"),
    "gzip data": (b"\x1f\x8b\x08" + bytes(100), "NOT_THE_FORMAT"),
    "a byte order mark": (b"\xef\xbb\xbf" + asdf_bytes("a: 1"), "NOT_THE_FORMAT"),
    "the first line in small letters": (asdf_bytes("a: 1").replace(b"#ASDF", b"#asdf", 1), "NOT_THE_FORMAT"),
}

HARMLESS: dict[str, tuple[Content, str | None]] = {
    "a key twice, with one value": (asdf_bytes("a: 1\na: 1"), "DUPLICATE_KEYWORD"),
    "a type nobody knows": (asdf_bytes("a: !<tag:example.org:thing-1.0> 1"), "UNKNOWN_TAG"),
    "no index": (asdf_bytes(array(), block(bytes(8))), "NO_BLOCK_INDEX"),
    "an index that is wrong": (
        asdf_bytes(array(), block(bytes(8)), INDEX + b"7\n...\n"),
        "BLOCK_INDEX_WRONG",
    ),
    "zeros after the last block": (asdf_bytes(array(), block(bytes(8)), bytes(50)), "TRAILING_BYTES"),
    "lines of Windows": (asdf_bytes("a: 1").replace(b"\n", b"\r\n"), None),
    "no arrays and no blocks": (asdf_bytes("a: 1"), None),
    "zeros before the first block": (asdf_bytes(array(), bytes(5000), block(bytes(8))), "NO_BLOCK_INDEX"),
    "a streamed block": (asdf_bytes(array(source=-1, shape="['*', 2]"), block(bytes(8), flags=1)), None),
    "an array with 40,000 members": (
        lambda: asdf_bytes(array(**{f"m{n}": 0 for n in range(40_000)}), block(bytes(8))),
        "NO_BLOCK_INDEX",
    ),
    "20,000 aliases of one value": (
        lambda: asdf_bytes("a: &a {x: 1}\nb: [" + ", ".join(["*a"] * 20_000) + "]"),
        None,
    ),
    "5,000 arrays": (
        lambda: asdf_bytes("a: [" + ", ".join([array()[6:]] * 5_000) + "]", block(bytes(8))),
        "NO_BLOCK_INDEX",
    ),
    "a tree of 40,000 keys": (
        lambda: asdf_bytes("\n".join(f"k{n}: {n}" for n in range(40_000))),
        "METADATA_TRIMMED",
    ),
    "a value of 10,000 characters": (asdf_bytes(f"a: {'x' * 10_000}"), "METADATA_TOO_LONG"),
    "a tree 90 deep": (asdf_bytes("a: " + "[" * 90 + "]" * 90), None),
    "numbers that are none": (asdf_bytes("a: .nan\nb: -.inf\nc: 0x1F\nd: 1_000\ne: 2020-01-01"), None),
    "a merge of one mapping": (asdf_bytes("a: &a {x: 1}\nb: {<<: *a, y: 2}"), None),
    "an lz4 block of a quarter of a gigabyte": (quarter_of_a_gigabyte, "NO_BLOCK_INDEX"),
    "an anchor that is used twice": (asdf_bytes("a: &a [1, 2]\nb: *a\nc: *a"), None),
    "a zlib block as it should be": (
        asdf_bytes(array(), block(zlib.compress(bytes(8)), compression=b"zlib", sizes={"data": 8})),
        "NO_BLOCK_INDEX",
    ),
    "a checksum of zeros, which means none": (asdf_bytes(array(), block(bytes(8))), "NO_BLOCK_INDEX"),
}


def with_sum(md5: bytes) -> bytes:
    """A block that announces this MD5."""
    made = block(bytes(8))
    return asdf_bytes(array(), made[:38] + md5 + made[54:])


ROWS: list[Row] = [
    *[Row(each.what, each.format, each.content, each.code, settings={"duplicate_keyword": "warn"})
      if each.what.endswith("though others pass") else each for each in rows("asdf", HOSTILE)],
    *warned("asdf", HARMLESS),
    Row("a block whose MD5 is wrong", "asdf", with_sum(b"x" * 16), "CHECKSUM_MISMATCH", checks=("block_checksums",)),
    Row("a block whose MD5 is wrong, which is advice", "asdf", with_sum(b"x" * 16), None, "NO_BLOCK_INDEX"),
    Row("a block whose MD5 is right", "asdf", with_sum(hashlib.md5(bytes(8)).digest()), None, "NO_BLOCK_INDEX",
        checks=("block_checksums",)),
]  # fmt: skip
