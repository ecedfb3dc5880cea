-- Find files without a preview.

-- Nearly every file has one: only the reasons of the others are asked for.
CREATE INDEX preview_of_none ON projection.preview (code) WHERE code IS NOT NULL;
