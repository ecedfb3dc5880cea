"""A stream's frames as the file view reads them: the best version of each, by dataset, a few at a time."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Engine, text

__all__ = ["frames_of"]

_AT_ONCE = 500


def frames_of(engine: Engine, stream: str) -> Callable[[], Iterator[Mapping[str, Any]]]:
    """Reads them anew at each call. A dataset whose group is open ``is_arriving``."""

    def rows() -> Iterator[Mapping[str, Any]]:
        with engine.connect() as connection:
            streaming = connection.execution_options(stream_results=True, yield_per=_AT_ONCE)
            for row in streaming.execute(_FRAMES, {"stream": stream}).mappings():
                yield dict(row)

    return rows


_FRAMES = text("""
    SELECT m.extra, m.obs_start_utc, m.obs_end_utc, v.size_bytes, s.embargo_until,
           COALESCE(s.is_embargoed, false) AS is_embargoed,
           COALESCE(g.state IN ('Open', 'Reopened'), false) AS is_arriving
    FROM projection.file_version v
    JOIN projection.file_status s ON s.file = v.file AND s.best_version = v.version
    JOIN projection.file_metadata m ON m.file = v.file AND m.version = v.version
    LEFT JOIN projection.group_status g ON g.group_id = v.stream || '/' || (m.extra ->> 'DSETID')
    WHERE v.stream = :stream AND v.role = 'primary'
    ORDER BY m.extra ->> 'DSETID', v.file
""")
