-- Whose database this is, and what a person has led past.

CREATE TABLE decider.installation (
    is_one BOOLEAN NOT NULL,
    site TEXT NOT NULL,
    cluster_id TEXT NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT installation_key PRIMARY KEY (is_one),
    CONSTRAINT installation_has_one_row CHECK (is_one)
);

COMMENT ON COLUMN decider.installation.is_one IS 'there is one row at most';

COMMENT ON COLUMN decider.installation.site IS 'whose database this is';

COMMENT ON COLUMN decider.installation.cluster_id IS 'of the Kafka cluster with the site''s ledger';

COMMENT ON COLUMN decider.installation.written_at IS 'UTC, PostgreSQL''s clock';

CREATE TABLE decider.passed (
    machine TEXT NOT NULL,
    partition INTEGER NOT NULL,
    ledger_offset BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    passed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT passed_key PRIMARY KEY (machine, partition, ledger_offset, sha256)
);

COMMENT ON COLUMN decider.passed.sha256 IS 'of its bytes: another record at this offset is not meant';

COMMENT ON COLUMN decider.passed.passed_at IS 'UTC, PostgreSQL''s clock';

CREATE TABLE decider.reseat (
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    machine TEXT NOT NULL,
    partition INTEGER NOT NULL,
    requests_topic_id TEXT NOT NULL,
    next_request BIGINT NOT NULL,
    ledger_end BIGINT NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT reseat_key PRIMARY KEY (number)
);

COMMENT ON COLUMN decider.reseat.next_request IS 'request offset to go on at, by a person''s word';

COMMENT ON COLUMN decider.reseat.ledger_end IS 'ledger offset: what stands before it says nothing about where to go on';

COMMENT ON COLUMN decider.reseat.written_at IS 'UTC, PostgreSQL''s clock';

ALTER TABLE decider.lease ADD COLUMN clock_ahead_s DOUBLE PRECISION;

COMMENT ON COLUMN decider.lease.clock_ahead_s IS 'seconds; the owner''s clock less PostgreSQL''s, when it was last heard of';
