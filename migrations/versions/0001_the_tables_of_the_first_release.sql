-- The tables of the first release.

CREATE SCHEMA IF NOT EXISTS decider;
CREATE SCHEMA IF NOT EXISTS projection;
CREATE SCHEMA IF NOT EXISTS work;
CREATE SCHEMA IF NOT EXISTS operations;
CREATE SCHEMA IF NOT EXISTS v1;

CREATE TABLE decider.halt (
    part TEXT NOT NULL,
    machine TEXT NOT NULL,
    partition INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    details JSONB NOT NULL,
    halted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT halt_key PRIMARY KEY (part, machine, partition)
);

COMMENT ON COLUMN decider.halt.part IS 'who halted: decider, projector, dispatch';

COMMENT ON COLUMN decider.halt.partition IS '-1: all of them';

COMMENT ON COLUMN decider.halt.message IS 'what was found, what was wanted';

COMMENT ON COLUMN decider.halt.halted_at IS 'UTC';

CREATE TABLE decider.lease (
    machine TEXT NOT NULL,
    partition INTEGER NOT NULL,
    owner TEXT NOT NULL,
    owner_epoch BIGINT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT lease_key PRIMARY KEY (machine, partition)
);

COMMENT ON COLUMN decider.lease.owner IS 'host, process and a random word of the process that holds it';

COMMENT ON COLUMN decider.lease.owner_epoch IS 'raised at every take-over; stands in each record';

COMMENT ON COLUMN decider.lease.expires_at IS 'UTC; liveness only, the fence is Kafka''s';

CREATE TABLE decider.outcome (
    record_id UUID NOT NULL,
    machine TEXT NOT NULL,
    partition INTEGER NOT NULL,
    ledger_offset BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    request_digest TEXT NOT NULL,
    type TEXT NOT NULL,
    tostate TEXT,
    version INTEGER,
    refusal JSONB,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT outcome_key PRIMARY KEY (record_id)
);

COMMENT ON COLUMN decider.outcome.record_id IS 'uuid5(site, subject, request id)';

COMMENT ON COLUMN decider.outcome.ledger_offset IS 'of the record';

COMMENT ON COLUMN decider.outcome.request_digest IS 'first 32 hex digits of SHA-256 over the request''s content';

COMMENT ON COLUMN decider.outcome.refusal IS 'code, reasons, allowed; NULL for a fact';

COMMENT ON COLUMN decider.outcome.decided_at IS 'UTC, time of the record';

CREATE INDEX outcome_by_age ON decider.outcome USING brin (decided_at);

CREATE TABLE decider.recovery (
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    part TEXT NOT NULL,
    machine TEXT NOT NULL,
    partition INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    details JSONB NOT NULL,
    done TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    halted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recovered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT recovery_key PRIMARY KEY (number)
);

COMMENT ON COLUMN decider.recovery.part IS 'who had halted: decider, projector, dispatch';

COMMENT ON COLUMN decider.recovery.partition IS '-1: all of them';

COMMENT ON COLUMN decider.recovery.code IS 'of the halt';

COMMENT ON COLUMN decider.recovery.message IS 'of the halt';

COMMENT ON COLUMN decider.recovery.details IS 'of the halt';

COMMENT ON COLUMN decider.recovery.done IS 'what was done about it';

COMMENT ON COLUMN decider.recovery.halted_at IS 'UTC';

COMMENT ON COLUMN decider.recovery.recovered_at IS 'UTC, PostgreSQL''s clock';

CREATE TABLE decider.snapshot (
    machine TEXT NOT NULL,
    subject TEXT NOT NULL,
    partition INTEGER NOT NULL,
    sequence BIGINT NOT NULL,
    state TEXT NOT NULL,
    CONSTRAINT snapshot_key PRIMARY KEY (machine, subject)
)
 WITH (fillfactor = 70);

COMMENT ON COLUMN decider.snapshot.state IS 'JSON of the subject: state, sequence, chain, time';

CREATE TABLE decider.topic (
    name TEXT NOT NULL,
    topic_id TEXT NOT NULL,
    partitions INTEGER NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT topic_key PRIMARY KEY (name)
);

COMMENT ON COLUMN decider.topic.topic_id IS 'the cluster''s id: another id is another topic of the same name';

COMMENT ON COLUMN decider.topic.partitions IS 'fixed for ever';

COMMENT ON COLUMN decider.topic.written_at IS 'UTC';

CREATE TABLE decider.watermark (
    machine TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset BIGINT NOT NULL,
    next_request BIGINT NOT NULL,
    requests_topic_id TEXT NOT NULL,
    fold_version INTEGER NOT NULL,
    owner_epoch BIGINT NOT NULL,
    CONSTRAINT watermark_key PRIMARY KEY (machine, partition)
);

COMMENT ON COLUMN decider.watermark.next_offset IS 'ledger offset up to which snapshots and outcomes stand';

COMMENT ON COLUMN decider.watermark.next_request IS '1 + highest request offset decided, of this topic id';

COMMENT ON COLUMN decider.watermark.fold_version IS 'of the machine''s fold: another one makes snapshots useless';

CREATE TABLE operations.l1_file (
    row_id BIGINT GENERATED ALWAYS AS IDENTITY,
    stream TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    archive_identity TEXT,
    instrument TEXT,
    obs_start_utc TIMESTAMP WITH TIME ZONE,
    registered_by_event UUID NOT NULL,
    CONSTRAINT l1_file_key PRIMARY KEY (row_id),
    CONSTRAINT l1_file_one_version UNIQUE (subject, version)
);

COMMENT ON COLUMN operations.l1_file.row_id IS 'number of the row';

COMMENT ON COLUMN operations.l1_file.stream IS 'the stream it came by';

COMMENT ON COLUMN operations.l1_file.subject IS '<stream>/<logical name>';

COMMENT ON COLUMN operations.l1_file.version IS 'version of the file';

COMMENT ON COLUMN operations.l1_file.bucket IS 'bucket of the object';

COMMENT ON COLUMN operations.l1_file.key IS 'key of the object';

COMMENT ON COLUMN operations.l1_file.size_bytes IS 'bytes; as read in the archive';

COMMENT ON COLUMN operations.l1_file.sha256 IS 'hex; of the whole object, as read in the archive';

COMMENT ON COLUMN operations.l1_file.archive_identity IS 'archive identity, such as a KOAID';

COMMENT ON COLUMN operations.l1_file.instrument IS 'instrument as the file names it';

COMMENT ON COLUMN operations.l1_file.obs_start_utc IS 'begin of the observation, UTC';

COMMENT ON COLUMN operations.l1_file.registered_by_event IS 'id of the fact it follows from';

CREATE TABLE operations.l2_file (
    row_id BIGINT GENERATED ALWAYS AS IDENTITY,
    stream TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    archive_identity TEXT,
    instrument TEXT,
    obs_start_utc TIMESTAMP WITH TIME ZONE,
    registered_by_event UUID NOT NULL,
    CONSTRAINT l2_file_key PRIMARY KEY (row_id),
    CONSTRAINT l2_file_one_version UNIQUE (subject, version)
);

COMMENT ON COLUMN operations.l2_file.row_id IS 'number of the row';

COMMENT ON COLUMN operations.l2_file.stream IS 'the stream it came by';

COMMENT ON COLUMN operations.l2_file.subject IS '<stream>/<logical name>';

COMMENT ON COLUMN operations.l2_file.version IS 'version of the file';

COMMENT ON COLUMN operations.l2_file.bucket IS 'bucket of the object';

COMMENT ON COLUMN operations.l2_file.key IS 'key of the object';

COMMENT ON COLUMN operations.l2_file.size_bytes IS 'bytes; as read in the archive';

COMMENT ON COLUMN operations.l2_file.sha256 IS 'hex; of the whole object, as read in the archive';

COMMENT ON COLUMN operations.l2_file.archive_identity IS 'archive identity, such as a KOAID';

COMMENT ON COLUMN operations.l2_file.instrument IS 'instrument as the file names it';

COMMENT ON COLUMN operations.l2_file.obs_start_utc IS 'begin of the observation, UTC';

COMMENT ON COLUMN operations.l2_file.registered_by_event IS 'id of the fact it follows from';

CREATE TABLE operations.raw_file (
    row_id BIGINT GENERATED ALWAYS AS IDENTITY,
    stream TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    archive_identity TEXT,
    instrument TEXT,
    obs_start_utc TIMESTAMP WITH TIME ZONE,
    registered_by_event UUID NOT NULL,
    CONSTRAINT raw_file_key PRIMARY KEY (row_id),
    CONSTRAINT raw_file_one_version UNIQUE (subject, version)
);

COMMENT ON COLUMN operations.raw_file.row_id IS 'number of the row';

COMMENT ON COLUMN operations.raw_file.stream IS 'the stream it came by';

COMMENT ON COLUMN operations.raw_file.subject IS '<stream>/<logical name>';

COMMENT ON COLUMN operations.raw_file.version IS 'version of the file';

COMMENT ON COLUMN operations.raw_file.bucket IS 'bucket of the object';

COMMENT ON COLUMN operations.raw_file.key IS 'key of the object';

COMMENT ON COLUMN operations.raw_file.size_bytes IS 'bytes; as read in the archive';

COMMENT ON COLUMN operations.raw_file.sha256 IS 'hex; of the whole object, as read in the archive';

COMMENT ON COLUMN operations.raw_file.archive_identity IS 'archive identity, such as a KOAID';

COMMENT ON COLUMN operations.raw_file.instrument IS 'instrument as the file names it';

COMMENT ON COLUMN operations.raw_file.obs_start_utc IS 'begin of the observation, UTC';

COMMENT ON COLUMN operations.raw_file.registered_by_event IS 'id of the fact it follows from';

CREATE TABLE projection.attempt (
    file TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    worker TEXT,
    host TEXT,
    software_version TEXT,
    started_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    outcome TEXT,
    code TEXT,
    wall_ms BIGINT,
    cpu_ms BIGINT,
    peak_rss_bytes BIGINT,
    bytes_read BIGINT,
    exit TEXT,
    log_tail TEXT,
    CONSTRAINT attempt_key PRIMARY KEY (file, version, attempt)
)
 WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON COLUMN projection.attempt.file IS '<stream>/<logical name>';

COMMENT ON COLUMN projection.attempt.version IS 'version of the file';

COMMENT ON COLUMN projection.attempt.attempt IS 'number of the try, from 1';

COMMENT ON COLUMN projection.attempt.worker IS 'the worker that began to read the file';

COMMENT ON COLUMN projection.attempt.host IS 'the host that worked on it last';

COMMENT ON COLUMN projection.attempt.software_version IS 'version of the software that began to read it';

COMMENT ON COLUMN projection.attempt.started_at IS 'UTC; when work began: reading, or going on where an earlier attempt failed';

COMMENT ON COLUMN projection.attempt.ended_at IS 'UTC; when it ended; NULL: not yet';

COMMENT ON COLUMN projection.attempt.outcome IS 'state that it ended in: COMPLETE, INVALID, ERROR …';

COMMENT ON COLUMN projection.attempt.code IS 'why, where it is not COMPLETE';

COMMENT ON COLUMN projection.attempt.wall_ms IS 'elapsed time of its work, milliseconds';

COMMENT ON COLUMN projection.attempt.cpu_ms IS 'processor time of its work, milliseconds';

COMMENT ON COLUMN projection.attempt.peak_rss_bytes IS 'largest memory of its processes, bytes';

COMMENT ON COLUMN projection.attempt.bytes_read IS 'bytes read';

COMMENT ON COLUMN projection.attempt.exit IS 'exit code or signal of the last process, such as 0 or SIGKILL';

COMMENT ON COLUMN projection.attempt.log_tail IS 'end of the log of the last process that had one';

CREATE TABLE projection.file_metadata (
    file TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    instrument TEXT,
    exposure_id TEXT,
    visit_id TEXT,
    detector TEXT,
    filter TEXT,
    obs_start_utc TIMESTAMP WITH TIME ZONE,
    obs_end_utc TIMESTAMP WITH TIME ZONE,
    obs_start_tai TIMESTAMP WITHOUT TIME ZONE,
    obs_end_tai TIMESTAMP WITHOUT TIME ZONE,
    exposure_s DOUBLE PRECISION,
    program TEXT,
    purpose TEXT,
    target TEXT,
    ra_deg DOUBLE PRECISION,
    dec_deg DOUBLE PRECISION,
    footprint TEXT,
    identity TEXT,
    media_type TEXT,
    header_fixes JSONB,
    extra JSONB,
    CONSTRAINT file_metadata_key PRIMARY KEY (file, version)
);

COMMENT ON COLUMN projection.file_metadata.file IS '<stream>/<logical name>';

COMMENT ON COLUMN projection.file_metadata.version IS 'version of the file';

COMMENT ON COLUMN projection.file_metadata.attempt IS 'the attempt that read it';

COMMENT ON COLUMN projection.file_metadata.instrument IS 'instrument as its file names it';

COMMENT ON COLUMN projection.file_metadata.exposure_id IS 'the exposure it belongs to';

COMMENT ON COLUMN projection.file_metadata.visit_id IS 'the visit, or the observing program''s execution, that it belongs to';

COMMENT ON COLUMN projection.file_metadata.detector IS 'detector as its file names it';

COMMENT ON COLUMN projection.file_metadata.filter IS 'filter or optical element';

COMMENT ON COLUMN projection.file_metadata.obs_start_utc IS 'begin of the observation, UTC';

COMMENT ON COLUMN projection.file_metadata.obs_end_utc IS 'end of the observation, UTC';

COMMENT ON COLUMN projection.file_metadata.obs_start_tai IS 'begin of the observation, TAI (without time zone)';

COMMENT ON COLUMN projection.file_metadata.obs_end_tai IS 'end of the observation, TAI (without time zone)';

COMMENT ON COLUMN projection.file_metadata.exposure_s IS 'exposure time, seconds';

COMMENT ON COLUMN projection.file_metadata.program IS 'observing program';

COMMENT ON COLUMN projection.file_metadata.purpose IS 'what the file itself says it is for';

COMMENT ON COLUMN projection.file_metadata.target IS 'target as its file names it';

COMMENT ON COLUMN projection.file_metadata.ra_deg IS 'right ascension, degrees, ICRS unless the instrument says otherwise';

COMMENT ON COLUMN projection.file_metadata.dec_deg IS 'declination, degrees, ICRS unless the instrument says otherwise';

COMMENT ON COLUMN projection.file_metadata.footprint IS 'region on the sky, STC-S (degrees)';

COMMENT ON COLUMN projection.file_metadata.identity IS 'archive identity, such as a KOAID';

COMMENT ON COLUMN projection.file_metadata.media_type IS 'what the content is, such as application/fits';

COMMENT ON COLUMN projection.file_metadata.header_fixes IS 'values that were read differently from what stands in the file';

COMMENT ON COLUMN projection.file_metadata.extra IS 'all else that it says, and values that do not fit their column''s type';

CREATE INDEX file_metadata_by_exposure_id ON projection.file_metadata (exposure_id);

CREATE INDEX file_metadata_by_observation ON projection.file_metadata (instrument, obs_start_utc);

CREATE INDEX file_metadata_by_visit_id ON projection.file_metadata (visit_id);

CREATE TABLE projection.file_status (
    file TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C",
    versions INTEGER,
    best_version INTEGER,
    first_seen_at TIMESTAMP WITH TIME ZONE,
    is_held BOOLEAN DEFAULT false NOT NULL,
    held_reason TEXT,
    held_at TIMESTAMP WITH TIME ZONE,
    acknowledged JSONB,
    is_embargoed BOOLEAN DEFAULT false NOT NULL,
    embargo_until TIMESTAMP WITH TIME ZONE,
    embargo_policy TEXT,
    pending JSONB,
    overtaken INTEGER,
    note TEXT,
    noted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT file_status_key PRIMARY KEY (file)
)
 WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON COLUMN projection.file_status.file IS '<stream>/<logical name>';

COMMENT ON COLUMN projection.file_status.name IS 'logical name of the file';

COMMENT ON COLUMN projection.file_status.versions IS 'number of the newest version';

COMMENT ON COLUMN projection.file_status.best_version IS 'the newest COMPLETE version; NULL: none yet';

COMMENT ON COLUMN projection.file_status.first_seen_at IS 'UTC; when it was first announced';

COMMENT ON COLUMN projection.file_status.is_held IS 'no work on it for now';

COMMENT ON COLUMN projection.file_status.held_reason IS 'why it is held';

COMMENT ON COLUMN projection.file_status.held_at IS 'UTC; since when it is held';

COMMENT ON COLUMN projection.file_status.acknowledged IS 'codes that an operator knows: {code: {until, at, by, reason}}';

COMMENT ON COLUMN projection.file_status.is_embargoed IS 'not public yet';

COMMENT ON COLUMN projection.file_status.embargo_until IS 'UTC; when the embargo ends; NULL: never by itself';

COMMENT ON COLUMN projection.file_status.embargo_policy IS 'the policy that set it';

COMMENT ON COLUMN projection.file_status.pending IS 'other content that waits for the version in flight to end';

COMMENT ON COLUMN projection.file_status.overtaken IS 'how often announced content was replaced before its turn: never processed';

COMMENT ON COLUMN projection.file_status.note IS 'the last remark';

COMMENT ON COLUMN projection.file_status.noted_at IS 'UTC; time of the last remark';

CREATE INDEX file_status_by_name ON projection.file_status (name);

CREATE INDEX file_status_of_held ON projection.file_status (file) WHERE is_held;

CREATE TABLE projection.file_version (
    file TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    stream TEXT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    is_superseded BOOLEAN DEFAULT false NOT NULL,
    state TEXT NOT NULL,
    since_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempt INTEGER NOT NULL,
    uri TEXT,
    announced_size_bytes BIGINT,
    announced_sha256 TEXT,
    modified_at TIMESTAMP WITH TIME ZONE,
    role TEXT,
    purpose TEXT,
    work_class TEXT,
    priority TEXT,
    stream_version INTEGER,
    witness TEXT,
    witnesses INTEGER,
    size_bytes BIGINT,
    sha256 TEXT,
    media_type TEXT,
    checks_version TEXT,
    identity TEXT,
    bucket TEXT,
    object_key TEXT,
    quarantine_bucket TEXT,
    quarantine_key TEXT,
    register_table TEXT,
    row_id TEXT,
    code TEXT,
    failure_class TEXT,
    message TEXT,
    found TEXT,
    wanted TEXT,
    failed_from TEXT,
    due_at TIMESTAMP WITH TIME ZONE,
    tries_allowed SMALLINT,
    dismissed_code TEXT,
    queued_at TIMESTAMP WITH TIME ZONE,
    processing_at TIMESTAMP WITH TIME ZONE,
    validated_at TIMESTAMP WITH TIME ZONE,
    transferring_at TIMESTAMP WITH TIME ZONE,
    transferred_at TIMESTAMP WITH TIME ZONE,
    complete_at TIMESTAMP WITH TIME ZONE,
    invalid_at TIMESTAMP WITH TIME ZONE,
    error_at TIMESTAMP WITH TIME ZONE,
    dismissed_at TIMESTAMP WITH TIME ZONE,
    sequence BIGINT NOT NULL,
    event_id UUID NOT NULL,
    partition INTEGER NOT NULL,
    ledger_offset BIGINT NOT NULL,
    correlationid TEXT,
    CONSTRAINT file_version_key PRIMARY KEY (file, version)
)
 WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON COLUMN projection.file_version.file IS '<stream>/<logical name>';

COMMENT ON COLUMN projection.file_version.version IS 'number of the content, from 1';

COMMENT ON COLUMN projection.file_version.stream IS 'the stream it came by';

COMMENT ON COLUMN projection.file_version.name IS 'logical name of the file';

COMMENT ON COLUMN projection.file_version.is_superseded IS 'a newer version exists';

COMMENT ON COLUMN projection.file_version.state IS 'QUEUED, PROCESSING, TRANSFERRING, TRANSFERRED, COMPLETE, INVALID, ERROR or DISMISSED';

COMMENT ON COLUMN projection.file_version.since_at IS 'UTC; when it came into this state';

COMMENT ON COLUMN projection.file_version.attempt IS 'number of the try at this content, from 1';

COMMENT ON COLUMN projection.file_version.uri IS 'where the bytes were announced to lie';

COMMENT ON COLUMN projection.file_version.announced_size_bytes IS 'bytes; as announced';

COMMENT ON COLUMN projection.file_version.announced_sha256 IS 'hex; as announced';

COMMENT ON COLUMN projection.file_version.modified_at IS 'UTC; time of the file as announced';

COMMENT ON COLUMN projection.file_version.role IS 'primary, sidecar, preview or manifest, by the stream''s rule';

COMMENT ON COLUMN projection.file_version.purpose IS 'science, calibration, engineering or test, by the stream''s rule';

COMMENT ON COLUMN projection.file_version.work_class IS 'normal or large: which workers take it';

COMMENT ON COLUMN projection.file_version.priority IS 'live or catch-up';

COMMENT ON COLUMN projection.file_version.stream_version IS 'version of the stream''s configuration in force when it arrived';

COMMENT ON COLUMN projection.file_version.witness IS 'where the first notification stands: topic/partition/offset';

COMMENT ON COLUMN projection.file_version.witnesses IS 'how often this content was announced';

COMMENT ON COLUMN projection.file_version.size_bytes IS 'bytes; as read';

COMMENT ON COLUMN projection.file_version.sha256 IS 'hex; as read';

COMMENT ON COLUMN projection.file_version.media_type IS 'what the content is, such as application/fits';

COMMENT ON COLUMN projection.file_version.checks_version IS 'version of the checks that were run';

COMMENT ON COLUMN projection.file_version.identity IS 'archive identity reserved for it, such as a KOAID';

COMMENT ON COLUMN projection.file_version.bucket IS 'bucket of its object in the archive';

COMMENT ON COLUMN projection.file_version.object_key IS 'key of its object in the archive';

COMMENT ON COLUMN projection.file_version.quarantine_bucket IS 'where the original of a rejected version is kept';

COMMENT ON COLUMN projection.file_version.quarantine_key IS 'where the original of a rejected version is kept';

COMMENT ON COLUMN projection.file_version.register_table IS 'the register it stands in, such as operations.l2_file';

COMMENT ON COLUMN projection.file_version.row_id IS 'its row there';

COMMENT ON COLUMN projection.file_version.code IS 'code of the open problem; NULL: none';

COMMENT ON COLUMN projection.file_version.failure_class IS 'data, transient, code or infrastructure: whose fault it is';

COMMENT ON COLUMN projection.file_version.message IS 'the open problem in words';

COMMENT ON COLUMN projection.file_version.found IS 'what was found';

COMMENT ON COLUMN projection.file_version.wanted IS 'what was wanted';

COMMENT ON COLUMN projection.file_version.failed_from IS 'the state in which it failed';

COMMENT ON COLUMN projection.file_version.due_at IS 'UTC; when it is tried again by itself; NULL: a person has to act';

COMMENT ON COLUMN projection.file_version.tries_allowed IS 'how often it is tried by itself';

COMMENT ON COLUMN projection.file_version.dismissed_code IS 'why it will not be taken; NULL: not dismissed';

COMMENT ON COLUMN projection.file_version.queued_at IS 'UTC; when it was first QUEUED';

COMMENT ON COLUMN projection.file_version.processing_at IS 'UTC; when a worker first began to read it';

COMMENT ON COLUMN projection.file_version.validated_at IS 'UTC; when all its checks had first passed';

COMMENT ON COLUMN projection.file_version.transferring_at IS 'UTC; when its copy to the archive was first begun';

COMMENT ON COLUMN projection.file_version.transferred_at IS 'UTC; when its copy was first verified in the archive';

COMMENT ON COLUMN projection.file_version.complete_at IS 'UTC; when it was first COMPLETE';

COMMENT ON COLUMN projection.file_version.invalid_at IS 'UTC; when it was last found INVALID';

COMMENT ON COLUMN projection.file_version.error_at IS 'UTC; when it last came into ERROR';

COMMENT ON COLUMN projection.file_version.dismissed_at IS 'UTC; when it was last dismissed';

COMMENT ON COLUMN projection.file_version.sequence IS 'number of its last fact in the file''s history';

COMMENT ON COLUMN projection.file_version.event_id IS 'id of its last fact';

COMMENT ON COLUMN projection.file_version.partition IS 'partition of the ledger topic';

COMMENT ON COLUMN projection.file_version.ledger_offset IS 'offset of its last fact in that partition';

COMMENT ON COLUMN projection.file_version.correlationid IS 'the story it belongs to: the sender''s id of the first notification';

CREATE INDEX file_version_by_state ON projection.file_version (state, stream, since_at, is_superseded);

CREATE INDEX file_version_by_time ON projection.file_version (since_at) WHERE NOT is_superseded;

CREATE TABLE projection.ledger (
    machine TEXT NOT NULL,
    partition INTEGER NOT NULL,
    ledger_offset BIGINT NOT NULL,
    event_id UUID NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    type TEXT NOT NULL,
    time TIMESTAMP WITH TIME ZONE NOT NULL,
    fromstate TEXT,
    tostate TEXT,
    version INTEGER,
    attempt INTEGER,
    actor TEXT NOT NULL,
    reason TEXT,
    requestid TEXT NOT NULL,
    causationid TEXT,
    correlationid TEXT,
    ownerepoch BIGINT NOT NULL,
    chain TEXT NOT NULL,
    is_refusal BOOLEAN NOT NULL,
    data JSONB,
    CONSTRAINT ledger_key PRIMARY KEY (machine, partition, ledger_offset),
    CONSTRAINT ledger_one_sequence UNIQUE (machine, subject, sequence)
);

COMMENT ON COLUMN projection.ledger.machine IS 'file, identity, stream: which lifecycle';

COMMENT ON COLUMN projection.ledger.partition IS 'partition of the ledger topic';

COMMENT ON COLUMN projection.ledger.ledger_offset IS 'offset in that partition';

COMMENT ON COLUMN projection.ledger.event_id IS 'id of the record, a UUID made from its request';

COMMENT ON COLUMN projection.ledger.subject IS 'whom it is about; <stream>/<name> for a file';

COMMENT ON COLUMN projection.ledger.sequence IS 'number of the record in its subject''s history, from 1';

COMMENT ON COLUMN projection.ledger.type IS 'what happened, such as file.started, or <machine>.refused';

COMMENT ON COLUMN projection.ledger.time IS 'UTC; when it was decided';

COMMENT ON COLUMN projection.ledger.fromstate IS 'state before; NULL: nothing was known';

COMMENT ON COLUMN projection.ledger.tostate IS 'state after; the same as before for a refusal';

COMMENT ON COLUMN projection.ledger.version IS 'version of the file that it concerns';

COMMENT ON COLUMN projection.ledger.attempt IS 'attempt at that version';

COMMENT ON COLUMN projection.ledger.actor IS 'who asked: a sender, a worker, an operator';

COMMENT ON COLUMN projection.ledger.reason IS 'why, where a person asked';

COMMENT ON COLUMN projection.ledger.requestid IS 'id of the request that it answers';

COMMENT ON COLUMN projection.ledger.causationid IS 'id of what caused the request';

COMMENT ON COLUMN projection.ledger.correlationid IS 'the story: the same for all that follows from one announcement';

COMMENT ON COLUMN projection.ledger.ownerepoch IS 'epoch of the decider that wrote it';

COMMENT ON COLUMN projection.ledger.chain IS 'SHA-256 over the subject''s previous link and this record, hex';

COMMENT ON COLUMN projection.ledger.is_refusal IS 'a refusal changes no state';

COMMENT ON COLUMN projection.ledger.data IS 'what the event says; NULL where PostgreSQL can''t hold it';

CREATE INDEX ledger_by_time ON projection.ledger USING brin (time);

CREATE INDEX ledger_of_refusals ON projection.ledger (machine, time) WHERE is_refusal;

CREATE TABLE projection.position (
    follower TEXT NOT NULL,
    machine TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset BIGINT NOT NULL,
    owner_epoch BIGINT NOT NULL,
    topic_id TEXT NOT NULL,
    last_event_at TIMESTAMP WITH TIME ZONE,
    applied_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT position_key PRIMARY KEY (follower, machine, partition)
);

COMMENT ON COLUMN projection.position.follower IS 'who follows: projector, dispatch';

COMMENT ON COLUMN projection.position.next_offset IS 'ledger offset that is applied next';

COMMENT ON COLUMN projection.position.owner_epoch IS 'raised at every take-over; fences the former owner';

COMMENT ON COLUMN projection.position.topic_id IS 'the cluster''s id of the ledger topic as first seen';

COMMENT ON COLUMN projection.position.last_event_at IS 'UTC; time of the newest record applied';

COMMENT ON COLUMN projection.position.applied_at IS 'UTC; PostgreSQL''s clock when the position last moved';

CREATE TABLE projection.qa_value (
    file TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    check_name TEXT NOT NULL,
    part TEXT NOT NULL,
    level TEXT NOT NULL,
    passed BOOLEAN,
    value DOUBLE PRECISION,
    value_text TEXT,
    unit TEXT,
    threshold DOUBLE PRECISION,
    threshold_text TEXT,
    message TEXT,
    checks_version TEXT,
    checked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT qa_value_key PRIMARY KEY (file, version, attempt, check_name, part)
);

COMMENT ON COLUMN projection.qa_value.file IS '<stream>/<logical name>';

COMMENT ON COLUMN projection.qa_value.version IS 'version of the file';

COMMENT ON COLUMN projection.qa_value.attempt IS 'attempt in which it was checked';

COMMENT ON COLUMN projection.qa_value.check_name IS 'name of the check';

COMMENT ON COLUMN projection.qa_value.part IS 'HDU, block or dataset looked at; empty: the whole file';

COMMENT ON COLUMN projection.qa_value.level IS 'critical, advisory or record-only';

COMMENT ON COLUMN projection.qa_value.passed IS 'NULL where the check only records';

COMMENT ON COLUMN projection.qa_value.value IS 'the value found, in ``unit``, where it is a number';

COMMENT ON COLUMN projection.qa_value.value_text IS 'the value found, where it is a text';

COMMENT ON COLUMN projection.qa_value.unit IS 'unit of value and threshold';

COMMENT ON COLUMN projection.qa_value.threshold IS 'what it was compared with, in ``unit``, where it is a number';

COMMENT ON COLUMN projection.qa_value.threshold_text IS 'what it was compared with, where it is a text';

COMMENT ON COLUMN projection.qa_value.message IS 'the result in words';

COMMENT ON COLUMN projection.qa_value.checks_version IS 'version of the checks; NULL for a rejected file';

COMMENT ON COLUMN projection.qa_value.checked_at IS 'UTC; when the result was recorded';

CREATE INDEX qa_value_by_check_name ON projection.qa_value (check_name, checked_at);

CREATE TABLE projection.stream_status (
    stream TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL,
    since_at TIMESTAMP WITH TIME ZONE NOT NULL,
    is_held BOOLEAN DEFAULT false NOT NULL,
    held_reason TEXT,
    held_at TIMESTAMP WITH TIME ZONE,
    offline_until TIMESTAMP WITH TIME ZONE,
    fault TEXT,
    configuration JSONB,
    configuration_version INTEGER,
    configured_at TIMESTAMP WITH TIME ZONE,
    sequence BIGINT NOT NULL,
    event_id UUID NOT NULL,
    partition INTEGER NOT NULL,
    ledger_offset BIGINT NOT NULL,
    CONSTRAINT stream_status_key PRIMARY KEY (stream)
);

COMMENT ON COLUMN projection.stream_status.stream IS 'name of the stream';

COMMENT ON COLUMN projection.stream_status.state IS 'Offline, Standby, Disabled, Enabled or Fault';

COMMENT ON COLUMN projection.stream_status.since_at IS 'UTC; when it came into this state';

COMMENT ON COLUMN projection.stream_status.is_held IS 'no work on its files';

COMMENT ON COLUMN projection.stream_status.held_reason IS 'why it is held';

COMMENT ON COLUMN projection.stream_status.held_at IS 'UTC; since when it is held';

COMMENT ON COLUMN projection.stream_status.offline_until IS 'UTC; until when silence is expected';

COMMENT ON COLUMN projection.stream_status.fault IS 'what is wrong with the stream as a whole';

COMMENT ON COLUMN projection.stream_status.configuration IS 'the configuration in force';

COMMENT ON COLUMN projection.stream_status.configuration_version IS 'number of that configuration, from 1';

COMMENT ON COLUMN projection.stream_status.configured_at IS 'UTC; when it came into force';

COMMENT ON COLUMN projection.stream_status.sequence IS 'number of the last fact in the stream''s history';

COMMENT ON COLUMN projection.stream_status.event_id IS 'id of the last fact';

COMMENT ON COLUMN projection.stream_status.partition IS 'partition of the ledger topic';

COMMENT ON COLUMN projection.stream_status.ledger_offset IS 'offset of the last fact in that partition';

CREATE TABLE projection.tainted (
    machine TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    event_id UUID NOT NULL,
    type TEXT NOT NULL,
    partition INTEGER NOT NULL,
    ledger_offset BIGINT NOT NULL,
    error TEXT NOT NULL,
    since_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT tainted_key PRIMARY KEY (machine, subject)
);

COMMENT ON COLUMN projection.tainted.sequence IS 'of the first record that was not folded';

COMMENT ON COLUMN projection.tainted.event_id IS 'its id';

COMMENT ON COLUMN projection.tainted.type IS 'its type';

COMMENT ON COLUMN projection.tainted.partition IS 'where it stands on the log';

COMMENT ON COLUMN projection.tainted.error IS 'what went wrong';

COMMENT ON COLUMN projection.tainted.since_at IS 'UTC; time of that record';

CREATE TABLE projection.warning (
    file TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    version INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    keyword TEXT,
    found TEXT,
    wanted TEXT,
    warned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT warning_key PRIMARY KEY (file, sequence, ordinal)
);

COMMENT ON COLUMN projection.warning.file IS '<stream>/<logical name>';

COMMENT ON COLUMN projection.warning.sequence IS 'number of its fact';

COMMENT ON COLUMN projection.warning.ordinal IS 'its place in that fact, from 1';

COMMENT ON COLUMN projection.warning.version IS 'version of the file';

COMMENT ON COLUMN projection.warning.attempt IS 'attempt in which it was seen';

COMMENT ON COLUMN projection.warning.code IS 'what kind of warning, such as HEADER_DUPLICATE';

COMMENT ON COLUMN projection.warning.message IS 'the warning in words';

COMMENT ON COLUMN projection.warning.keyword IS 'the keyword or member concerned';

COMMENT ON COLUMN projection.warning.found IS 'what was found';

COMMENT ON COLUMN projection.warning.wanted IS 'what was wanted';

COMMENT ON COLUMN projection.warning.warned_at IS 'UTC; when it was recorded';

CREATE INDEX warning_by_code ON projection.warning (code, warned_at);

CREATE TABLE work.breaker (
    dependency TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    failures INTEGER NOT NULL,
    retry_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ramp INTEGER NOT NULL,
    code TEXT,
    last_error TEXT,
    CONSTRAINT breaker_key PRIMARY KEY (dependency)
);

COMMENT ON COLUMN work.breaker.dependency IS 'archive, register, log, store/<stream>';

COMMENT ON COLUMN work.breaker.since IS 'first failure';

COMMENT ON COLUMN work.breaker.failures IS 'probes that failed, the first failure counted';

COMMENT ON COLUMN work.breaker.retry_at IS 'no work until then';

COMMENT ON COLUMN work.breaker.ramp IS 'items at once while it comes back';

CREATE TABLE work.deadline (
    event_id UUID NOT NULL,
    request TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    version INTEGER,
    due_sequence BIGINT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    correlationid TEXT,
    request_id UUID NOT NULL,
    state TEXT NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT deadline_key PRIMARY KEY (event_id)
);

COMMENT ON COLUMN work.deadline.event_id IS 'the fact that set the deadline';

COMMENT ON COLUMN work.deadline.request IS 'file.retry or file.lift';

COMMENT ON COLUMN work.deadline.due_sequence IS 'sequence of the fact that set the deadline';

COMMENT ON COLUMN work.deadline.request_id IS 'derived from the fact';

COMMENT ON COLUMN work.deadline.state IS 'waiting, delivered, done, cancelled';

CREATE INDEX deadline_asked ON work.deadline (request_id) WHERE state IN ('waiting', 'delivered');

CREATE INDEX deadline_finished ON work.deadline (finished_at) WHERE state IN ('done', 'cancelled');

CREATE INDEX deadline_of_subject ON work.deadline (subject) WHERE state = 'waiting';

CREATE INDEX deadline_waiting ON work.deadline (due_at) WHERE state = 'waiting';

CREATE TABLE work.gate (
    name TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT gate_key PRIMARY KEY (name)
);

COMMENT ON COLUMN work.gate.name IS 'who wants all work to rest';

CREATE TABLE work.hold (
    subject TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    CONSTRAINT hold_key PRIMARY KEY (subject)
);

COMMENT ON COLUMN work.hold.subject IS 'a file on which no work is done for now';

CREATE TABLE work.item (
    event_id UUID NOT NULL,
    effect TEXT NOT NULL,
    lane TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER,
    attempt INTEGER,
    sequence BIGINT NOT NULL,
    work_class TEXT NOT NULL,
    priority SMALLINT NOT NULL,
    queued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT NOT NULL,
    try_number INTEGER DEFAULT '1' NOT NULL,
    report_id UUID NOT NULL,
    payload JSONB NOT NULL,
    correlationid TEXT,
    due_at TIMESTAMP WITH TIME ZONE,
    lease_owner TEXT,
    lease_epoch BIGINT DEFAULT '0' NOT NULL,
    lease_until TIMESTAMP WITH TIME ZONE,
    report BYTEA,
    reported_at TIMESTAMP WITH TIME ZONE,
    resent INTEGER DEFAULT '0' NOT NULL,
    last_code TEXT,
    last_error TEXT,
    parked_reason TEXT,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT item_key PRIMARY KEY (event_id, effect)
)
 WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

COMMENT ON COLUMN work.item.event_id IS 'the fact that obliges';

COMMENT ON COLUMN work.item.lane IS 'items of one subject and lane are worked on in order';

COMMENT ON COLUMN work.item.sequence IS 'of the fact in its subject: the order within a lane';

COMMENT ON COLUMN work.item.work_class IS 'normal or large';

COMMENT ON COLUMN work.item.priority IS '0 live, 1 catch-up';

COMMENT ON COLUMN work.item.queued_at IS 'when the version arrived: claims go by it';

COMMENT ON COLUMN work.item.created_at IS 'time of the fact';

COMMENT ON COLUMN work.item.state IS 'open, leased, reported, parked; done, stale';

COMMENT ON COLUMN work.item.report_id IS 'id of the request that will report on it';

COMMENT ON COLUMN work.item.payload IS 'what the effect needs, from the fact';

COMMENT ON COLUMN work.item.due_at IS 'not before; NULL: at once';

COMMENT ON COLUMN work.item.lease_epoch IS 'raised by each claim: the fence';

COMMENT ON COLUMN work.item.report IS 'the report as sent, until its outcome is known';

COMMENT ON COLUMN work.item.last_code IS 'of the last failure or refusal';

COMMENT ON COLUMN work.item.finished_at IS 'time of the record that closed it';

CREATE INDEX item_by_report ON work.item (report_id) WHERE state IN ('open', 'leased', 'reported', 'parked');

CREATE INDEX item_finished ON work.item (finished_at) WHERE state IN ('done', 'stale');

CREATE INDEX item_in_order ON work.item (subject, lane, sequence) WHERE state IN ('open', 'leased', 'reported', 'parked');

CREATE INDEX item_leased ON work.item (stream, effect, work_class) WHERE state = 'leased';

CREATE INDEX item_parked ON work.item (stream) WHERE state = 'parked';

CREATE INDEX item_reported ON work.item (reported_at) WHERE state = 'reported';

CREATE INDEX item_to_claim ON work.item (stream, effect, work_class, priority, queued_at) WHERE state = 'open' AND lane = 'steps';

CREATE INDEX item_to_claim_lightly ON work.item (effect, queued_at) WHERE state = 'open' AND lane <> 'steps';

CREATE TABLE work.position (
    follower TEXT NOT NULL,
    machine TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset BIGINT NOT NULL,
    owner_epoch BIGINT NOT NULL,
    topic_id TEXT NOT NULL,
    last_event_at TIMESTAMP WITH TIME ZONE,
    applied_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT position_key PRIMARY KEY (follower, machine, partition)
);

COMMENT ON COLUMN work.position.follower IS 'who follows: projector, dispatch';

COMMENT ON COLUMN work.position.next_offset IS 'ledger offset that is applied next';

COMMENT ON COLUMN work.position.owner_epoch IS 'raised at every take-over; fences the former owner';

COMMENT ON COLUMN work.position.topic_id IS 'the cluster''s id of the ledger topic as first seen';

COMMENT ON COLUMN work.position.last_event_at IS 'UTC; time of the newest record applied';

COMMENT ON COLUMN work.position.applied_at IS 'UTC; PostgreSQL''s clock when the position last moved';

CREATE TABLE work.stream (
    stream TEXT NOT NULL,
    state TEXT NOT NULL,
    held BOOLEAN NOT NULL,
    class_limits JSONB NOT NULL,
    sequence BIGINT NOT NULL,
    CONSTRAINT stream_key PRIMARY KEY (stream)
);

COMMENT ON COLUMN work.stream.class_limits IS 'work items at once, by class; not named: no limit';

COMMENT ON COLUMN work.stream.sequence IS 'of the last fact that is in this row';

CREATE TABLE work.stream_configuration (
    stream TEXT NOT NULL,
    configuration_version INTEGER NOT NULL,
    configuration JSONB NOT NULL,
    CONSTRAINT stream_configuration_key PRIMARY KEY (stream, configuration_version)
);

CREATE TABLE work.version (
    subject TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    sender TEXT,
    correlationid TEXT,
    queued_at TIMESTAMP WITH TIME ZONE,
    base_attempt INTEGER,
    work_class TEXT,
    priority SMALLINT,
    CONSTRAINT version_key PRIMARY KEY (subject, version)
);

COMMENT ON COLUMN work.version.version IS '0: the file as a whole';

COMMENT ON COLUMN work.version.sender IS 'who announced it, and is answered';

COMMENT ON COLUMN work.version.correlationid IS 'the sender''s own event id';

COMMENT ON COLUMN work.version.queued_at IS 'when it arrived, or was asked to be done again';

COMMENT ON COLUMN work.version.base_attempt IS 'the attempt from which automatic tries are counted';
