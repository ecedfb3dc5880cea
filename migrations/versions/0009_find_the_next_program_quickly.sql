-- Find the next program quickly.

ALTER TABLE projection.op_program ADD COLUMN frames BIGINT;

COMMENT ON COLUMN projection.op_program.frames IS 'how many frames its datasets had when that was known; NULL: not said';

DROP INDEX projection.op_program_to_claim;

CREATE INDEX op_program_to_claim ON projection.op_program (op, program) INCLUDE (since_at, instrument, frames, datasets) WHERE state = 'Preprocessed';

CREATE INDEX op_status_not_plain ON projection.op_status (op) WHERE priority <> 0 OR mark OR is_held OR failures IS NOT NULL;
