-- Find missing previews, and lookups.

-- Nearly every file has one: only the reasons of the others are asked for.
CREATE INDEX preview_of_none ON projection.preview (code) WHERE code IS NOT NULL;

-- What a night's files waited for outside services is read from here; of a stream without such services, nothing is.
CREATE INDEX attempt_of_lookups ON projection.attempt (file, version) INCLUDE (lookup_ms, wall_ms)
    WHERE lookup_ms IS NOT NULL;
