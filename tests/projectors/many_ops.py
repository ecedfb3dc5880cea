"""Rows of very many observing programs, put into the views' tables by SQL alone: for questions of size."""

from sqlalchemy import Connection, text

__all__ = ["fill", "fill_history"]


def fill(connection: Connection, ops: int, *, queued: float, unsaid: int = 3) -> None:
    """So many OPs with a VISP and a VBI program each, two datasets and a verdict in each VISP program.

    Of ``queued`` of them the VISP program can be claimed; of the others it is published, Not Invertible or worked on.
    One in a hundred is held, one in fifty has a priority, one in a thousand a mark, one in a thousand has failed.
    Frames are told by the program, but for one of ``unsaid``, where its datasets alone tell them.
    """
    for query in _QUERIES:
        connection.execute(text(query), {"ops": ops, "queued": queued, "unsaid": unsaid})


def fill_history(connection: Connection, ops: int) -> None:
    """Six records a program, as its ledger has at least; the verdict is one of them."""
    connection.execute(text(_HISTORY), {"ops": ops})


_HISTORY = """
    INSERT INTO projection.ledger (machine, partition, ledger_offset, event_id, subject, sequence, type, time, tostate,
                                   actor, is_refusal, requestid, ownerepoch, chain, data)
    SELECT 'op', 0, (m - 1) * :ops + n, gen_random_uuid(), 'op-' || n, n + m - 1,
           CASE m WHEN 1 THEN 'op.judged' ELSE 'op.noted' END, now(), 'Preprocessed', 'worker', false,
           gen_random_uuid(), 1, repeat('0', 64),
           CASE m WHEN 1 THEN (SELECT jsonb_build_object('verdict', jsonb_build_object('left_out', 0,
                   'program', 'visp-' || n, 'instrument', 'VISP', 'criteria', 'visp', 'criteria_version', 1,
                   'findings', jsonb_agg(jsonb_build_object('name', 'c' || c, 'metric', 'x', 'comparison', '>=',
                       'value', 1, 'threshold', 1, 'passed', c > 2, 'required', true, 'source', repeat('s', 60),
                       'message', repeat('m', 80)))))
               FROM generate_series(1, 11) AS f (c))
           ELSE jsonb_build_object('text', repeat('x', 400)) END
    FROM generate_series(1, :ops) AS g (n), generate_series(1, 6) AS h (m)
"""

_RECORD = "n AS sequence, gen_random_uuid() AS event_id, n % 2 AS partition, n AS ledger_offset"
# A number between 0 and 1 for each OP, the same in each table.
_SHARE = "((n * 7919) % 10007) / 10007.0"
_LATER = "(ARRAY['Published', 'Not Invertible', 'Working'])[n % 3 + 1]"
_STATE = f"CASE WHEN {_SHARE} < :queued THEN 'Preprocessed' ELSE {_LATER} END"

_QUERIES = (
    f"""
    INSERT INTO projection.op_status (op, state, since_at, source, experiment, first_seen_at, is_held, priority, mark,
                                      failures, sequence, event_id, partition, ledger_offset)
    SELECT 'op-' || n, {_STATE}, now() - n % 900 * interval '11 hours', 'catalogue', 'eid_' || n / 3, now(),
           n % 100 = 7, CASE WHEN n % 50 = 3 THEN n % 21 - 10 ELSE 0 END, n % 1000 = 11,
           CASE WHEN n % 1000 = 13 THEN jsonb_build_object('program:visp-' || n, jsonb_build_object('code', 'NO_ROOM'))
                WHEN n % 1000 = 17 THEN jsonb_build_object('attempt:1', null) END, {_RECORD}
    FROM generate_series(1, :ops) AS g (n)
    """,
    f"""
    INSERT INTO projection.op_program (op, program, instrument, state, since_at, first_seen_at, datasets, cover,
                                       is_ready, criteria, criteria_version, outcome, verdict_sequence, frames)
    SELECT 'op-' || n, 'visp-' || n, 'VISP',
           CASE WHEN {_SHARE} >= :queued AND n % 3 = 1 THEN 'Not Invertible' ELSE 'Preprocessed' END,
           now() - n % 900 * interval '11 hours' - n % 7 * interval '1 minute', now(), 2, repeat('0', 32), true,
           'visp', 1, 'pass', n, CASE WHEN n % :unsaid > 0 THEN 10 ^ (n % 5) * (1 + n % 9) END
    FROM generate_series(1, :ops) AS g (n)
    """,
    """
    INSERT INTO projection.op_program (op, program, instrument, state, since_at, datasets, cover, is_ready, outcome)
    SELECT 'op-' || n, 'vbi-' || n, 'VBI', 'Not applicable', now(), 1, repeat('0', 32), true, 'not_applicable'
    FROM generate_series(1, :ops) AS g (n)
    """,
    """
    INSERT INTO projection.op_dataset (op, program, dataset, instrument, digest, frames, metrics, sequence)
    SELECT 'op-' || n, 'visp-' || n, 'D' || n || '-' || m, 'VISP', repeat('0', 32), 100 * m,
           '{"health.good": 100}', n
    FROM generate_series(1, :ops) AS g (n), generate_series(1, 2) AS h (m)
    """,
    f"""
    INSERT INTO projection.op_attempt (op, attempt, program, state, since_at, claimant, is_public, sequence)
    SELECT 'op-' || n, 1, 'visp-' || n, CASE n % 3 WHEN 0 THEN 'Published' ELSE 'Working' END, now(), 'ada',
           n % 3 = 0, n
    FROM generate_series(1, :ops) AS g (n) WHERE {_SHARE} >= :queued AND n % 3 <> 1
    """,
    f"""
    INSERT INTO projection.op_attempt (op, attempt, program, state, since_at, claimant, is_public, sequence)
    SELECT 'op-' || n, 2, 'visp-' || n, 'Released', now(), 'bob', false, n
    FROM generate_series(1, :ops) AS g (n) WHERE {_SHARE} < :queued AND n % 11 = 0
    """,
    "ANALYZE projection.op_status, projection.op_program, projection.op_dataset, projection.op_attempt",
)
