"""Wide reads: all of a file, in fewer pieces."""

from io import BytesIO

from consumers.wide_reads import wide


def test_a_reader_of_small_pieces_gets_all_of_it_in_large_ones():
    content = bytes(range(256)) * 4096
    source, pieces = wide(BytesIO(content)), []
    while piece := source.read(16_384):
        pieces.append(piece)
    assert b"".join(pieces) == content
    assert len(pieces) == 4


def test_it_can_be_rewound_for_another_try():
    source = wide(BytesIO(b"x" * 10))
    assert (source.read(), source.seek(0), source.read(-1), source.tell()) == (b"x" * 10, 0, b"x" * 10, 10)
