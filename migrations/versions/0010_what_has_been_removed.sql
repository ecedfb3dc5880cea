-- What has been removed.

ALTER TABLE projection.file_version ADD COLUMN source_removed_at TIMESTAMP WITH TIME ZONE;

COMMENT ON COLUMN projection.file_version.source_removed_at IS 'UTC; when what was announced was removed from where it lay';
