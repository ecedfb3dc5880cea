-- What the machines of workers can bear.

CREATE TABLE work.worker (
    worker TEXT NOT NULL,
    host TEXT NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    items INTEGER NOT NULL,
    cpu_share FLOAT NOT NULL,
    memory_free_bytes BIGINT NOT NULL,
    memory_total_bytes BIGINT NOT NULL,
    disks JSONB NOT NULL,
    pauses JSONB NOT NULL,
    CONSTRAINT worker_key PRIMARY KEY (worker)
);

COMMENT ON COLUMN work.worker.items IS 'under way';

COMMENT ON COLUMN work.worker.cpu_share IS 'of all cores, 0 to 1';

COMMENT ON COLUMN work.worker.disks IS 'path, used_bytes, free_bytes, hours_left (NULL: not filling)';

COMMENT ON COLUMN work.worker.pauses IS 'what is held back, and why';
