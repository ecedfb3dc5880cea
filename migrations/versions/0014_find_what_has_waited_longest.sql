-- Find what has waited longest.

CREATE INDEX op_program_waiting ON projection.op_program (since_at) WHERE state = 'Preprocessed';
