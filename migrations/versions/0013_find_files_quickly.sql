-- Find files quickly.

CREATE INDEX file_version_of_problems ON projection.file_version (since_at) WHERE code IS NOT NULL AND NOT is_superseded;

CREATE INDEX file_metadata_by_target ON projection.file_metadata (target);
