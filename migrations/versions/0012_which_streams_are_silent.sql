-- Which streams are silent.

ALTER TABLE projection.stream_status ADD COLUMN silences JSONB;

COMMENT ON COLUMN projection.stream_status.silences IS 'silences that stand, by purpose; times in UTC, spans in seconds';
