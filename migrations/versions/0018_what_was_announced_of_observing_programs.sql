-- What was announced of observing programs.

ALTER TABLE projection.op_status ADD COLUMN announced_datasets BIGINT;

COMMENT ON COLUMN projection.op_status.announced_datasets IS 'how many it has in all, as a sender said; NULL: nobody has';
