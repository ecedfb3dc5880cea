-- Which streams go behind others.

ALTER TABLE work.stream ADD COLUMN trust JSONB DEFAULT '{}' NOT NULL;

COMMENT ON COLUMN work.stream.trust IS 'how it is earned; not named: the defaults';

CREATE TABLE work.trust (
    stream TEXT NOT NULL,
    latest TEXT NOT NULL,
    judged_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT trust_key PRIMARY KEY (stream)
);

COMMENT ON COLUMN work.trust.latest IS 'what its last files turned out to be, g or b each, newest last';

COMMENT ON COLUMN work.trust.judged_at IS 'when the newest was looked into';
