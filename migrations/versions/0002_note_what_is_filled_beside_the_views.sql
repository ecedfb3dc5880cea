-- Note what is filled beside the views.

CREATE SCHEMA IF NOT EXISTS rebuild;

CREATE TABLE rebuild.folded_by (
    schema_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    fold_version TEXT NOT NULL,
    since_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT folded_by_key PRIMARY KEY (schema_name, table_name, fold_version)
);

COMMENT ON COLUMN rebuild.folded_by.schema_name IS 'where the table is now';

COMMENT ON COLUMN rebuild.folded_by.fold_version IS 'digest of code that folded rows of it';

COMMENT ON COLUMN rebuild.folded_by.since_at IS 'UTC; when it began to';

CREATE TABLE rebuild.target (
    schema_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    tables TEXT[] NOT NULL,
    state TEXT NOT NULL,
    until_at TIMESTAMP WITH TIME ZONE,
    fold_version TEXT NOT NULL,
    owner TEXT NOT NULL,
    begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
    filled_at TIMESTAMP WITH TIME ZONE,
    records BIGINT,
    message TEXT,
    CONSTRAINT target_key PRIMARY KEY (schema_name)
);

COMMENT ON COLUMN rebuild.target.schema_name IS 'the schema that is filled';

COMMENT ON COLUMN rebuild.target.kind IS 'standby: rebuilt, may be swapped in; former: was live before the last swap; past: a moment, never swapped; check: for one comparison';

COMMENT ON COLUMN rebuild.target.tables IS 'the read models in it';

COMMENT ON COLUMN rebuild.target.state IS 'filling, filled (and fed on), or broken';

COMMENT ON COLUMN rebuild.target.until_at IS 'UTC; past: records decided later are left out';

COMMENT ON COLUMN rebuild.target.fold_version IS 'digest of the code that began to fill it';

COMMENT ON COLUMN rebuild.target.owner IS 'who began to fill it';

COMMENT ON COLUMN rebuild.target.begun_at IS 'UTC';

COMMENT ON COLUMN rebuild.target.filled_at IS 'UTC; when it had caught up for the first time';

COMMENT ON COLUMN rebuild.target.records IS 'records read when it had caught up';

COMMENT ON COLUMN rebuild.target.message IS 'broken: what was found';
