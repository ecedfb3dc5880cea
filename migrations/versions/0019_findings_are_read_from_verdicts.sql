-- Findings are read from the verdicts themselves, which the ledger's table holds whole: written once, not eleven times.

CREATE INDEX ledger_of_verdicts ON projection.ledger (subject, sequence) WHERE type = 'op.judged';

CREATE OR REPLACE VIEW v1.op_criterion AS
SELECT l.subject AS op, COALESCE(p.program, l.data #>> '{verdict,program}') COLLATE "C" AS program,
       COALESCE(p.instrument, l.data #>> '{verdict,instrument}') AS instrument,
       COALESCE(p.criteria, l.data #>> '{verdict,criteria}') AS criteria,
       COALESCE(p.criteria_version, (l.data #>> '{verdict,criteria_version}')::bigint) AS criteria_version,
       f.told ->> 'name' AS criterion, (f.told ->> 'dataset') COLLATE "C" AS dataset,
       f.told ->> 'metric' AS metric, f.told ->> 'comparison' AS comparison,
       CASE WHEN jsonb_typeof(f.told -> 'value') = 'number' THEN (f.told -> 'value')::float8 END AS value,
       CASE WHEN jsonb_typeof(f.told -> 'value') <> 'number' THEN f.told ->> 'value' END AS value_text,
       CASE WHEN jsonb_typeof(f.told -> 'threshold') = 'number' THEN (f.told -> 'threshold')::float8 END
           AS threshold,
       CASE WHEN jsonb_typeof(f.told -> 'threshold') <> 'number' THEN f.told ->> 'threshold' END
           AS threshold_text,
       CASE WHEN jsonb_typeof(f.told -> 'margin') = 'number' THEN (f.told -> 'margin')::float8 END AS margin,
       f.told ->> 'unit' AS unit, (f.told -> 'passed')::boolean AS passed,
       (f.told -> 'required')::boolean AS required, f.told ->> 'message' AS message,
       f.told ->> 'source' AS wanted_by, l.time AS judged_at, l.sequence, f.ordinal::integer AS ordinal,
       p.op IS NOT NULL AS is_current, t.subject IS NOT NULL AS is_tainted
FROM projection.ledger l
CROSS JOIN LATERAL jsonb_array_elements(l.data #> '{verdict,findings}') WITH ORDINALITY AS f (told, ordinal)
LEFT JOIN projection.op_program p ON p.op = l.subject AND p.verdict_sequence = l.sequence
LEFT JOIN projection.tainted t ON t.machine = 'op' AND t.subject = l.subject
WHERE l.type = 'op.judged';

DROP TABLE projection.op_criterion;

DELETE FROM rebuild.folded_by WHERE table_name = 'op_criterion';
