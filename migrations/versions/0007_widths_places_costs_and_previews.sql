-- Metadata with widths and places on the sky, what attempts cost besides, and previews.

-- Views follow once all tables are there; while one reads a column, its type can't change.
DROP VIEW IF EXISTS v1.file_metadata;

-- What is too long for its column is kept whole.
UPDATE projection.file_metadata SET extra = COALESCE(extra, '{}') || jsonb_strip_nulls(jsonb_build_object(
    'instrument', CASE WHEN length(instrument) > 64 THEN instrument END,
    'exposure_id', CASE WHEN length(exposure_id) > 128 THEN exposure_id END,
    'visit_id', CASE WHEN length(visit_id) > 128 THEN visit_id END,
    'detector', CASE WHEN length(detector) > 64 THEN detector END,
    'filter', CASE WHEN length(filter) > 64 THEN filter END,
    'program', CASE WHEN length(program) > 128 THEN program END,
    'purpose', CASE WHEN length(purpose) > 64 THEN purpose END,
    'target', CASE WHEN length(target) > 256 THEN target END,
    'footprint', CASE WHEN length(footprint) > 4000 THEN footprint END))
WHERE length(instrument) > 64
    OR length(exposure_id) > 128
    OR length(visit_id) > 128
    OR length(detector) > 64
    OR length(filter) > 64
    OR length(program) > 128
    OR length(purpose) > 64
    OR length(target) > 256
    OR length(footprint) > 4000;

ALTER TABLE projection.file_metadata
    ALTER COLUMN instrument TYPE VARCHAR(64) USING CASE WHEN length(instrument) <= 64 THEN instrument END,
    ALTER COLUMN exposure_id TYPE VARCHAR(128) USING CASE WHEN length(exposure_id) <= 128 THEN exposure_id END,
    ALTER COLUMN visit_id TYPE VARCHAR(128) USING CASE WHEN length(visit_id) <= 128 THEN visit_id END,
    ALTER COLUMN detector TYPE VARCHAR(64) USING CASE WHEN length(detector) <= 64 THEN detector END,
    ALTER COLUMN filter TYPE VARCHAR(64) USING CASE WHEN length(filter) <= 64 THEN filter END,
    ALTER COLUMN program TYPE VARCHAR(128) USING CASE WHEN length(program) <= 128 THEN program END,
    ALTER COLUMN purpose TYPE VARCHAR(64) USING CASE WHEN length(purpose) <= 64 THEN purpose END,
    ALTER COLUMN target TYPE VARCHAR(256) USING CASE WHEN length(target) <= 256 THEN target END,
    ALTER COLUMN footprint TYPE VARCHAR(4000) USING CASE WHEN length(footprint) <= 4000 THEN footprint END,
    ADD COLUMN program_by VARCHAR(64);

-- Places as they are read from now on; what is none goes to the rest.
UPDATE projection.file_metadata SET
    extra = COALESCE(extra, '{}') || jsonb_strip_nulls(jsonb_build_object(
        'ra_deg', CASE WHEN ra_deg NOT BETWEEN -360 AND 720 THEN ra_deg END,
        'dec_deg', CASE WHEN dec_deg NOT BETWEEN -90 AND 90 THEN dec_deg END)),
    ra_deg = CASE WHEN ra_deg BETWEEN -360 AND 720 THEN ra_deg - 360 * floor(ra_deg / 360) END,
    dec_deg = CASE WHEN dec_deg BETWEEN -90 AND 90 THEN dec_deg END
WHERE ra_deg < 0 OR ra_deg >= 360 OR dec_deg NOT BETWEEN -90 AND 90;

CREATE INDEX file_metadata_by_detector ON projection.file_metadata (detector, filter);

CREATE INDEX file_metadata_by_filter ON projection.file_metadata (filter);

CREATE INDEX file_metadata_by_position ON projection.file_metadata USING gist (point(ra_deg, dec_deg));

CREATE INDEX file_metadata_by_program ON projection.file_metadata (program);

CREATE INDEX file_metadata_by_time ON projection.file_metadata (obs_start_utc);

COMMENT ON COLUMN projection.file_metadata.program_by IS 'who says so: file, rule:<name>, service:<name>, operator';

COMMENT ON COLUMN projection.file_metadata.ra_deg IS 'right ascension, 0 to 360 degrees, ICRS unless said otherwise';

COMMENT ON COLUMN projection.file_metadata.dec_deg IS 'declination, degrees, ICRS unless said otherwise';

COMMENT ON COLUMN projection.file_metadata.extra IS 'all else that it says, and values that don''t fit their column''s type or width';

ALTER TABLE projection.attempt
    ADD COLUMN bytes_written BIGINT,
    ADD COLUMN lookup_ms BIGINT,
    ADD COLUMN log_object TEXT;

COMMENT ON COLUMN projection.attempt.bytes_written IS 'bytes written to the archive';

COMMENT ON COLUMN projection.attempt.lookup_ms IS 'of its elapsed time: waiting for outside services, milliseconds';

COMMENT ON COLUMN projection.attempt.log_object IS 'where that log stands whole (s3://…); NULL: all of it is in log_tail';

CREATE INDEX file_version_by_purpose ON projection.file_version (purpose, since_at) WHERE purpose <> 'science' AND NOT is_superseded;

CREATE INDEX qa_value_by_value ON projection.qa_value (check_name, value);

CREATE TABLE projection.preview (
    file TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    bucket TEXT,
    object_key TEXT,
    size_bytes BIGINT,
    sha256 TEXT,
    media_type TEXT,
    width_px INTEGER,
    height_px INTEGER,
    images INTEGER,
    left_out INTEGER,
    stretch TEXT,
    code TEXT,
    message TEXT,
    wall_s DOUBLE PRECISION,
    peak_rss_bytes BIGINT,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT preview_key PRIMARY KEY (file, version)
);

COMMENT ON COLUMN projection.preview.file IS '<stream>/<logical name>';

COMMENT ON COLUMN projection.preview.version IS 'version of the file';

COMMENT ON COLUMN projection.preview.bucket IS 'bucket of the picture; NULL: there is none';

COMMENT ON COLUMN projection.preview.object_key IS 'key of the picture; NULL: there is none';

COMMENT ON COLUMN projection.preview.size_bytes IS 'bytes of the picture';

COMMENT ON COLUMN projection.preview.sha256 IS 'hex; of the picture';

COMMENT ON COLUMN projection.preview.media_type IS 'such as image/png';

COMMENT ON COLUMN projection.preview.width_px IS 'width of the picture, pixels';

COMMENT ON COLUMN projection.preview.height_px IS 'height of the picture, pixels';

COMMENT ON COLUMN projection.preview.images IS 'images of the file that it shows';

COMMENT ON COLUMN projection.preview.left_out IS 'images of the file that it does not show';

COMMENT ON COLUMN projection.preview.stretch IS 'how values became shades';

COMMENT ON COLUMN projection.preview.code IS 'why there is none; NULL: there is one';

COMMENT ON COLUMN projection.preview.message IS 'why there is none, in words';

COMMENT ON COLUMN projection.preview.wall_s IS 'elapsed time of making it, seconds';

COMMENT ON COLUMN projection.preview.peak_rss_bytes IS 'largest memory of the process that made it, bytes';

COMMENT ON COLUMN projection.preview.made_at IS 'UTC; when that was recorded';
