-- How quality is judged and reported.

ALTER TABLE projection.qa_value ADD COLUMN comparison TEXT;

COMMENT ON COLUMN projection.qa_value.comparison IS 'how value has to stand to threshold, such as <= or between';

ALTER TABLE projection.qa_value ADD COLUMN stream_version INTEGER;

COMMENT ON COLUMN projection.qa_value.stream_version IS 'configuration of the stream by whose rules it was judged';

COMMENT ON COLUMN projection.qa_value.checks_version IS 'format and version of the checks that were run';

CREATE INDEX qa_value_of_failed ON projection.qa_value (file, version) WHERE passed IS FALSE;

CREATE INDEX file_version_by_arrival ON projection.file_version USING brin (queued_at) WITH (pages_per_range = 16, autosummarize = true);
