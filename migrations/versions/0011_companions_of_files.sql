-- Companions of files.

ALTER TABLE projection.file_status ADD COLUMN sidecar TEXT COLLATE "C";
ALTER TABLE projection.file_status ADD COLUMN sidecar_due_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE projection.file_status ADD COLUMN withdrawn JSONB;

COMMENT ON COLUMN projection.file_status.sidecar IS 'logical name of its sidecar; NULL: none is there or wanted';

COMMENT ON COLUMN projection.file_status.sidecar_due_at IS 'UTC; when its sidecar is a warning; NULL: none is waited for';

COMMENT ON COLUMN projection.file_status.withdrawn IS 'codes of warnings that no longer hold: {code: {sequence, at, because}}';
