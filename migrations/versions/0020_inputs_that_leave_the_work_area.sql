-- Inputs that leave the work area: which were staged where, and why they went.

CREATE TABLE projection.op_staged (
    op TEXT COLLATE "C" NOT NULL,
    location TEXT COLLATE "C" NOT NULL,
    program TEXT COLLATE "C" NOT NULL,
    cover TEXT,
    staged_at TIMESTAMP WITH TIME ZONE,
    files BIGINT,
    size_bytes BIGINT,
    manifest_uri TEXT,
    removing_at TIMESTAMP WITH TIME ZONE,
    policy TEXT,
    because TEXT,
    removed_at TIMESTAMP WITH TIME ZONE,
    was_left BOOLEAN,
    message TEXT,
    CONSTRAINT op_staged_key PRIMARY KEY (op, location)
);

COMMENT ON COLUMN projection.op_staged.op IS 'id of the observing program''s execution';

COMMENT ON COLUMN projection.op_staged.location IS 'where the inputs are, or were, staged';

COMMENT ON COLUMN projection.op_staged.program IS 'id of the instrument program''s execution';

COMMENT ON COLUMN projection.op_staged.cover IS 'hex; digest over the datasets whose files they are';

COMMENT ON COLUMN projection.op_staged.staged_at IS 'UTC; when they were staged';

COMMENT ON COLUMN projection.op_staged.files IS 'how many files were staged';

COMMENT ON COLUMN projection.op_staged.size_bytes IS 'bytes; of the files that were staged';

COMMENT ON COLUMN projection.op_staged.manifest_uri IS 'where the list of the staged files is';

COMMENT ON COLUMN projection.op_staged.removing_at IS 'UTC; when it was decided that they go; NULL: nobody has';

COMMENT ON COLUMN projection.op_staged.policy IS 'by which policy, such as staged-age; NULL: a person asked';

COMMENT ON COLUMN projection.op_staged.because IS 'what the policy found, or why the person asked';

COMMENT ON COLUMN projection.op_staged.removed_at IS 'UTC; when they were removed';

COMMENT ON COLUMN projection.op_staged.was_left IS 'a worker left them where they are, and says why';

COMMENT ON COLUMN projection.op_staged.message IS 'what the worker said of it';

CREATE INDEX op_staged_kept ON projection.op_staged (staged_at) WHERE removed_at IS NULL;

ALTER TABLE projection.op_program ADD COLUMN unstaged_because TEXT;

COMMENT ON COLUMN projection.op_program.unstaged_because IS 'why its staged inputs were removed since; NULL: they were not';

INSERT INTO projection.op_staged (op, location, program, cover, staged_at, files, size_bytes, manifest_uri)
SELECT DISTINCT ON (l.subject, l.data ->> 'location') l.subject, l.data ->> 'location', now.program, now.cover ->> 'digest',
       l.time, (l.data ->> 'files')::bigint, (l.data ->> 'size_bytes')::bigint, l.data ->> 'manifest_uri'
FROM projection.ledger l
CROSS JOIN LATERAL jsonb_to_recordset(l.data -> 'programs') AS now (program text, cover jsonb)
WHERE l.machine = 'op' AND l.type = 'op.preprocessed'
ORDER BY l.subject, l.data ->> 'location', l.sequence DESC;
