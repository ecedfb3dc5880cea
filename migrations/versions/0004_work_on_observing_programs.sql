-- Work on observing programs.

ALTER TABLE work.item ADD COLUMN part TEXT;

COMMENT ON COLUMN work.item.part IS 'of an observing program: program:<id>, attempt:<number>; NULL: no part of it';

ALTER TABLE work.deadline ADD COLUMN part TEXT;

COMMENT ON COLUMN work.deadline.part IS 'of an observing program: what the request is about; NULL: no part of it';

COMMENT ON COLUMN work.deadline.request IS 'such as file.retry, op.lease_due';

CREATE TABLE work.program_dataset (
    subject TEXT COLLATE "C" NOT NULL,
    dataset TEXT COLLATE "C" NOT NULL,
    program TEXT NOT NULL,
    told JSONB NOT NULL,
    is_gone BOOLEAN NOT NULL,
    sequence BIGINT NOT NULL,
    CONSTRAINT program_dataset_key PRIMARY KEY (subject, dataset)
);

COMMENT ON COLUMN work.program_dataset.subject IS 'the observing program';

COMMENT ON COLUMN work.program_dataset.program IS 'the instrument program that it belongs to';

COMMENT ON COLUMN work.program_dataset.told IS 'the dataset as the last fact about it has it';

COMMENT ON COLUMN work.program_dataset.is_gone IS 'its catalogue no longer has it';

COMMENT ON COLUMN work.program_dataset.sequence IS 'of the last fact about it';

CREATE TABLE work.program_part (
    subject TEXT COLLATE "C" NOT NULL,
    part TEXT COLLATE "C" NOT NULL,
    known JSONB NOT NULL,
    sequence BIGINT NOT NULL,
    owes_effect TEXT,
    owes_since TIMESTAMP WITH TIME ZONE,
    CONSTRAINT program_part_key PRIMARY KEY (subject, part)
);

COMMENT ON COLUMN work.program_part.subject IS 'the observing program';

COMMENT ON COLUMN work.program_part.part IS 'op, program:<id> or attempt:<number>';

COMMENT ON COLUMN work.program_part.known IS 'what effects have to know of it, from its facts';

COMMENT ON COLUMN work.program_part.sequence IS 'of the last fact about it';

COMMENT ON COLUMN work.program_part.owes_effect IS 'what it waits for since its last fact; NULL: for nothing';

CREATE INDEX program_part_owes ON work.program_part (owes_since) WHERE owes_effect IS NOT NULL;

COMMENT ON COLUMN work.breaker.dependency IS 'archive, register, log, portal, store/<stream>';
