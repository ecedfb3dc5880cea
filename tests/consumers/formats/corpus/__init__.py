"""The hostile corpus: files of every format, damaged, made to do harm, or odd and welcome, each with its code."""

import json
from pathlib import Path

from tests.consumers.formats.corpus import (
    asdf_rows,
    fits_rows,
    instrument_rows,
    jpeg_rows,
    json_rows,
    table_rows,
)
from tests.consumers.formats.corpus.row import Row

__all__ = ["CORPUS", "Row", "write_corpus"]

CORPUS: tuple[Row, ...] = (
    *fits_rows.ROWS,
    *asdf_rows.ROWS,
    *json_rows.ROWS,
    *table_rows.ROWS,
    *jpeg_rows.ROWS,
    *instrument_rows.ROWS,
)


def write_corpus(folder: Path) -> int:
    """Write every file, and ``expected.json`` beside them; how many there are. Files of one name get folders."""
    expected = []
    for number, row in enumerate(CORPUS):
        place = folder / f"{number:03d}" / row.file_name if row.name else folder / row.file_name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(row.bytes())
        told = {
            "file": str(place.relative_to(folder)),
            "format": row.format,
            "code": row.code,
            "what": row.id,
        }
        expected.append(
            told | {"settings": dict(row.settings), "checks": list(row.checks), "warning": row.warning}
        )
    (folder / "expected.json").write_text(json.dumps(expected, indent=1), "utf-8")
    return len(expected)
