-- What manifests say of files.

CREATE TABLE projection.manifest_entry (
    file TEXT COLLATE "C" NOT NULL,
    stream TEXT,
    manifest TEXT COLLATE "C",
    manifest_version INTEGER,
    algorithm TEXT,
    sum TEXT,
    found TEXT,
    agrees BOOLEAN,
    told_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT manifest_entry_key PRIMARY KEY (file)
);

CREATE INDEX manifest_entry_by_manifest ON projection.manifest_entry (stream, manifest);

COMMENT ON COLUMN projection.manifest_entry.file IS '<stream>/<logical name>';

COMMENT ON COLUMN projection.manifest_entry.stream IS 'the stream of the manifest and of what it names';

COMMENT ON COLUMN projection.manifest_entry.manifest IS 'logical name of the manifest that was heard last';

COMMENT ON COLUMN projection.manifest_entry.manifest_version IS 'its version';

COMMENT ON COLUMN projection.manifest_entry.algorithm IS 'MD5 or SHA-256';

COMMENT ON COLUMN projection.manifest_entry.sum IS 'hex; as the manifest has it';

COMMENT ON COLUMN projection.manifest_entry.found IS 'hex; as read; NULL: not read yet, or not for this kind of sum';

COMMENT ON COLUMN projection.manifest_entry.agrees IS 'both sums are the same; NULL: they were not compared yet';

COMMENT ON COLUMN projection.manifest_entry.told_at IS 'UTC; when the manifest''s word was recorded';
