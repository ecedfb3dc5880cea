-- Warnings of a former look.

COMMENT ON COLUMN projection.file_status.withdrawn IS 'warnings that no longer hold, by code or code/version: {sequence, at, because}';
