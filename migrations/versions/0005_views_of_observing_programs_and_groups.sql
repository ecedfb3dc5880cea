-- Views of observing programs and groups.

CREATE TABLE projection.group_status (
    group_id TEXT COLLATE "C" NOT NULL,
    stream TEXT NOT NULL,
    kind TEXT,
    state TEXT NOT NULL,
    since_at TIMESTAMP WITH TIME ZONE NOT NULL,
    first_seen_at TIMESTAMP WITH TIME ZONE,
    parents JSONB,
    expected INTEGER,
    expected_by TEXT,
    done INTEGER,
    seen INTEGER,
    complete INTEGER,
    invalid INTEGER,
    dismissed INTEGER,
    excused INTEGER,
    unexpected INTEGER,
    sidecars INTEGER,
    digest TEXT,
    sidecar_needed BOOLEAN DEFAULT false NOT NULL,
    closes_when_due BOOLEAN DEFAULT false NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    is_due BOOLEAN DEFAULT false NOT NULL,
    missing_ranges JSONB,
    warnings JSONB,
    warned_at TIMESTAMP WITH TIME ZONE,
    note TEXT,
    noted_at TIMESTAMP WITH TIME ZONE,
    sequence BIGINT NOT NULL,
    event_id UUID NOT NULL,
    partition INTEGER NOT NULL,
    ledger_offset BIGINT NOT NULL,
    CONSTRAINT group_status_key PRIMARY KEY (group_id)
)
 WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON COLUMN projection.group_status.group_id IS '<stream>/<id of the group>';

COMMENT ON COLUMN projection.group_status.stream IS 'the stream that its members come by';

COMMENT ON COLUMN projection.group_status.kind IS 'exposure, dataset or delivery';

COMMENT ON COLUMN projection.group_status.state IS 'Open, Complete, Closed short or Reopened';

COMMENT ON COLUMN projection.group_status.since_at IS 'UTC; when it came into this state';

COMMENT ON COLUMN projection.group_status.first_seen_at IS 'UTC; when it was first heard of';

COMMENT ON COLUMN projection.group_status.parents IS 'what it belongs to: {op, program, dataset, instrument, proposal}';

COMMENT ON COLUMN projection.group_status.expected IS 'how many members are expected; NULL: nobody has said';

COMMENT ON COLUMN projection.group_status.expected_by IS 'manifest, policy, cadence, header or operator';

COMMENT ON COLUMN projection.group_status.done IS 'expected members that are complete, dismissed or excused';

COMMENT ON COLUMN projection.group_status.seen IS 'members that there is any word of';

COMMENT ON COLUMN projection.group_status.complete IS 'members that are complete';

COMMENT ON COLUMN projection.group_status.invalid IS 'members that are invalid';

COMMENT ON COLUMN projection.group_status.dismissed IS 'members that will not be taken';

COMMENT ON COLUMN projection.group_status.excused IS 'places that need not be filled';

COMMENT ON COLUMN projection.group_status.unexpected IS 'members that nobody expects';

COMMENT ON COLUMN projection.group_status.sidecars IS 'sidecars that are complete';

COMMENT ON COLUMN projection.group_status.digest IS 'hex; tells this standing of all members from any other';

COMMENT ON COLUMN projection.group_status.sidecar_needed IS 'each comes with a sidecar';

COMMENT ON COLUMN projection.group_status.closes_when_due IS 'what is there then is all';

COMMENT ON COLUMN projection.group_status.due_at IS 'UTC; when all should be there; NULL: nobody has said';

COMMENT ON COLUMN projection.group_status.is_due IS 'that time has come';

COMMENT ON COLUMN projection.group_status.missing_ranges IS 'JSON array: places missing when due or closed: {first, last}';

COMMENT ON COLUMN projection.group_status.warnings IS 'JSON array: the last warnings: {code, message, found, wanted}';

COMMENT ON COLUMN projection.group_status.warned_at IS 'UTC; when that was';

COMMENT ON COLUMN projection.group_status.note IS 'the last remark';

COMMENT ON COLUMN projection.group_status.noted_at IS 'UTC; time of the last remark';

COMMENT ON COLUMN projection.group_status.sequence IS 'number of the last fact in its history';

COMMENT ON COLUMN projection.group_status.event_id IS 'id of the last fact';

COMMENT ON COLUMN projection.group_status.partition IS 'partition of the ledger topic';

COMMENT ON COLUMN projection.group_status.ledger_offset IS 'offset of the last fact in that partition';

CREATE INDEX group_status_by_state ON projection.group_status (state, since_at);

CREATE TABLE projection.op_attempt (
    op TEXT COLLATE "C" NOT NULL,
    attempt INTEGER NOT NULL,
    program TEXT COLLATE "C",
    state TEXT,
    since_at TIMESTAMP WITH TIME ZONE,
    claimant TEXT,
    orcid TEXT,
    claimed_at TIMESTAMP WITH TIME ZONE,
    datasets BIGINT,
    cover TEXT,
    changed_since BOOLEAN DEFAULT false NOT NULL,
    beside JSONB,
    rank BIGINT,
    score DOUBLE PRECISION,
    staged_location TEXT,
    lease_from TIMESTAMP WITH TIME ZONE,
    lease_until TIMESTAMP WITH TIME ZONE,
    lease_warned SMALLINT,
    is_expired BOOLEAN DEFAULT false NOT NULL,
    rounds INTEGER,
    handed_in_at TIMESTAMP WITH TIME ZONE,
    is_late BOOLEAN,
    outputs JSONB,
    inputs JSONB,
    repository TEXT,
    commit_id TEXT,
    hand_in_message TEXT,
    refused_reasons JSONB,
    verified_at TIMESTAMP WITH TIME ZONE,
    verified_outputs BIGINT,
    verified_bytes BIGINT,
    commit_check TEXT,
    reviewer TEXT,
    review TEXT,
    review_note TEXT,
    reviewed_at TIMESTAMP WITH TIME ZONE,
    publication INTEGER,
    steps_done JSONB,
    objects BIGINT,
    archived_bytes BIGINT,
    manifest_uri TEXT,
    manifest_sha256 TEXT,
    acknowledgement TEXT,
    identifier TEXT,
    portal_uri TEXT,
    published_at TIMESTAMP WITH TIME ZONE,
    is_public BOOLEAN DEFAULT false NOT NULL,
    is_embargoed BOOLEAN,
    embargo_until TIMESTAMP WITH TIME ZONE,
    supersedes INTEGER,
    replacement TEXT,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    sequence BIGINT,
    CONSTRAINT op_attempt_key PRIMARY KEY (op, attempt)
)
 WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON COLUMN projection.op_attempt.op IS 'id of the observing program''s execution';

COMMENT ON COLUMN projection.op_attempt.attempt IS 'number of the attempt, from 1';

COMMENT ON COLUMN projection.op_attempt.program IS 'id of the instrument program''s execution';

COMMENT ON COLUMN projection.op_attempt.state IS 'Working, HandedIn, Verified, Accepted, Publishing, Published, Withdrawing, Rejected, Released, Superseded or Withdrawn';

COMMENT ON COLUMN projection.op_attempt.since_at IS 'UTC; when it came into this state';

COMMENT ON COLUMN projection.op_attempt.claimant IS 'who works on it';

COMMENT ON COLUMN projection.op_attempt.orcid IS 'ORCID iD of the claimant, where it was checked';

COMMENT ON COLUMN projection.op_attempt.claimed_at IS 'UTC; when it was claimed';

COMMENT ON COLUMN projection.op_attempt.datasets IS 'how many datasets the program had when it was claimed';

COMMENT ON COLUMN projection.op_attempt.cover IS 'hex; digest over those datasets';

COMMENT ON COLUMN projection.op_attempt.changed_since IS 'they are others by now';

COMMENT ON COLUMN projection.op_attempt.beside IS 'JSON array: numbers of attempts that were open when it was claimed';

COMMENT ON COLUMN projection.op_attempt.rank IS 'its place in the queue when it was claimed';

COMMENT ON COLUMN projection.op_attempt.score IS 'the score by which it had that place';

COMMENT ON COLUMN projection.op_attempt.staged_location IS 'where its inputs are staged';

COMMENT ON COLUMN projection.op_attempt.lease_from IS 'UTC; begin of the lease';

COMMENT ON COLUMN projection.op_attempt.lease_until IS 'UTC; end of the lease, unless it is extended';

COMMENT ON COLUMN projection.op_attempt.lease_warned IS 'percent of the lease at which the claimant was warned last';

COMMENT ON COLUMN projection.op_attempt.is_expired IS 'the claim has run out';

COMMENT ON COLUMN projection.op_attempt.rounds IS 'how often products were handed in';

COMMENT ON COLUMN projection.op_attempt.handed_in_at IS 'UTC; when products were last handed in';

COMMENT ON COLUMN projection.op_attempt.is_late IS 'they came after the claim had ended';

COMMENT ON COLUMN projection.op_attempt.outputs IS 'JSON array: products: {name, uri, sha256, size_bytes in bytes, role}';

COMMENT ON COLUMN projection.op_attempt.inputs IS 'JSON array: datasets that were used';

COMMENT ON COLUMN projection.op_attempt.repository IS 'repository of the software that made them';

COMMENT ON COLUMN projection.op_attempt.commit_id IS 'commit in that repository';

COMMENT ON COLUMN projection.op_attempt.hand_in_message IS 'what the claimant said';

COMMENT ON COLUMN projection.op_attempt.refused_reasons IS 'JSON array: why the last hand-in does not hold; NULL: it does';

COMMENT ON COLUMN projection.op_attempt.verified_at IS 'UTC; when the products were verified';

COMMENT ON COLUMN projection.op_attempt.verified_outputs IS 'how many products were verified';

COMMENT ON COLUMN projection.op_attempt.verified_bytes IS 'bytes; of the verified products';

COMMENT ON COLUMN projection.op_attempt.commit_check IS 'found, or unverified: the commit in its repository';

COMMENT ON COLUMN projection.op_attempt.reviewer IS 'who reviewed it last';

COMMENT ON COLUMN projection.op_attempt.review IS 'accept, rework or reject';

COMMENT ON COLUMN projection.op_attempt.review_note IS 'what the reviewer said';

COMMENT ON COLUMN projection.op_attempt.reviewed_at IS 'UTC; when that was';

COMMENT ON COLUMN projection.op_attempt.publication IS 'which time it is published, from 1';

COMMENT ON COLUMN projection.op_attempt.steps_done IS 'JSON array: steps of publishing that are done';

COMMENT ON COLUMN projection.op_attempt.objects IS 'how many objects the archive has of it';

COMMENT ON COLUMN projection.op_attempt.archived_bytes IS 'bytes; of those objects';

COMMENT ON COLUMN projection.op_attempt.manifest_uri IS 'where the list of what is published is';

COMMENT ON COLUMN projection.op_attempt.manifest_sha256 IS 'hex; of that list';

COMMENT ON COLUMN projection.op_attempt.acknowledgement IS 'the metadata store''s own id of it';

COMMENT ON COLUMN projection.op_attempt.identifier IS 'such as a DOI';

COMMENT ON COLUMN projection.op_attempt.portal_uri IS 'where the portal shows it';

COMMENT ON COLUMN projection.op_attempt.published_at IS 'UTC; when it was last published';

COMMENT ON COLUMN projection.op_attempt.is_public IS 'it is what stands published';

COMMENT ON COLUMN projection.op_attempt.is_embargoed IS 'kept from the public; NULL: not published yet';

COMMENT ON COLUMN projection.op_attempt.embargo_until IS 'UTC; when the embargo ends; NULL: never by itself';

COMMENT ON COLUMN projection.op_attempt.supersedes IS 'number of the attempt whose place it took';

COMMENT ON COLUMN projection.op_attempt.replacement IS 'what comes instead of what is withdrawn';

COMMENT ON COLUMN projection.op_attempt.withdrawn_at IS 'UTC; when the portal acknowledged that it is withdrawn';

COMMENT ON COLUMN projection.op_attempt.sequence IS 'number of the last fact about it';

CREATE INDEX op_attempt_by_claimant ON projection.op_attempt (claimant) WHERE state IN ('Working', 'HandedIn', 'Verified', 'Accepted', 'Publishing');

CREATE INDEX op_attempt_holding ON projection.op_attempt (op, program) WHERE state IN ('Working', 'HandedIn', 'Verified', 'Accepted', 'Publishing') OR is_public;

CREATE TABLE projection.op_criterion (
    op TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    program TEXT COLLATE "C" NOT NULL,
    instrument TEXT NOT NULL,
    criteria TEXT NOT NULL,
    criteria_version BIGINT NOT NULL,
    criterion TEXT NOT NULL,
    dataset TEXT COLLATE "C",
    metric TEXT NOT NULL,
    comparison TEXT NOT NULL,
    value DOUBLE PRECISION,
    value_text TEXT,
    threshold DOUBLE PRECISION,
    threshold_text TEXT,
    margin DOUBLE PRECISION,
    unit TEXT,
    passed BOOLEAN NOT NULL,
    required BOOLEAN NOT NULL,
    message TEXT,
    wanted_by TEXT,
    judged_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT op_criterion_key PRIMARY KEY (op, sequence, ordinal)
);

COMMENT ON COLUMN projection.op_criterion.op IS 'id of the observing program''s execution';

COMMENT ON COLUMN projection.op_criterion.sequence IS 'number of its verdict''s fact';

COMMENT ON COLUMN projection.op_criterion.ordinal IS 'its place in the verdict, from 1';

COMMENT ON COLUMN projection.op_criterion.program IS 'id of the instrument program''s execution';

COMMENT ON COLUMN projection.op_criterion.instrument IS 'instrument as the catalogue names it';

COMMENT ON COLUMN projection.op_criterion.criteria IS 'name of the set of criteria';

COMMENT ON COLUMN projection.op_criterion.criteria_version IS 'version of the criteria';

COMMENT ON COLUMN projection.op_criterion.criterion IS 'name of the criterion';

COMMENT ON COLUMN projection.op_criterion.dataset IS 'dataset looked at; NULL: the program as a whole';

COMMENT ON COLUMN projection.op_criterion.metric IS 'what was measured';

COMMENT ON COLUMN projection.op_criterion.comparison IS 'how value and threshold are compared, such as >=';

COMMENT ON COLUMN projection.op_criterion.value IS 'the value found, in ``unit``, where it is a number';

COMMENT ON COLUMN projection.op_criterion.value_text IS 'the value found, where it is none; several as a JSON array';

COMMENT ON COLUMN projection.op_criterion.threshold IS 'what it was compared with, in ``unit``, where it is a number';

COMMENT ON COLUMN projection.op_criterion.threshold_text IS 'what it was compared with, where it is none';

COMMENT ON COLUMN projection.op_criterion.margin IS 'value less threshold, in ``unit``; negative: short of it';

COMMENT ON COLUMN projection.op_criterion.unit IS 'unit of value, threshold and margin';

COMMENT ON COLUMN projection.op_criterion.passed IS 'it was met';

COMMENT ON COLUMN projection.op_criterion.required IS 'false: recorded only';

COMMENT ON COLUMN projection.op_criterion.message IS 'the finding in words';

COMMENT ON COLUMN projection.op_criterion.wanted_by IS 'who wants it';

COMMENT ON COLUMN projection.op_criterion.judged_at IS 'UTC; when the verdict was recorded';

CREATE INDEX op_criterion_by_criterion ON projection.op_criterion (criterion, judged_at);

CREATE TABLE projection.op_dataset (
    op TEXT COLLATE "C" NOT NULL,
    program TEXT COLLATE "C" NOT NULL,
    dataset TEXT COLLATE "C" NOT NULL,
    instrument TEXT,
    digest TEXT NOT NULL,
    frames BIGINT,
    size_bytes BIGINT,
    created_at TIMESTAMP WITH TIME ZONE,
    started_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    is_embargoed BOOLEAN DEFAULT false NOT NULL,
    embargo_until TIMESTAMP WITH TIME ZONE,
    metrics JSONB,
    problems JSONB,
    is_gone BOOLEAN DEFAULT false NOT NULL,
    gone_at TIMESTAMP WITH TIME ZONE,
    source TEXT,
    first_seen_at TIMESTAMP WITH TIME ZONE,
    changed_at TIMESTAMP WITH TIME ZONE,
    sequence BIGINT NOT NULL,
    CONSTRAINT op_dataset_key PRIMARY KEY (op, program, dataset)
)
 WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON COLUMN projection.op_dataset.op IS 'id of the observing program''s execution';

COMMENT ON COLUMN projection.op_dataset.program IS 'id of the instrument program''s execution';

COMMENT ON COLUMN projection.op_dataset.dataset IS 'id of the dataset';

COMMENT ON COLUMN projection.op_dataset.instrument IS 'instrument as the catalogue names it';

COMMENT ON COLUMN projection.op_dataset.digest IS 'hex; of the fields that count';

COMMENT ON COLUMN projection.op_dataset.frames IS 'how many frames it has';

COMMENT ON COLUMN projection.op_dataset.size_bytes IS 'bytes; of all its frames';

COMMENT ON COLUMN projection.op_dataset.created_at IS 'UTC; when the data was made, as the data says';

COMMENT ON COLUMN projection.op_dataset.started_at IS 'UTC; begin of the observation';

COMMENT ON COLUMN projection.op_dataset.ended_at IS 'UTC; end of the observation';

COMMENT ON COLUMN projection.op_dataset.is_embargoed IS 'not public yet';

COMMENT ON COLUMN projection.op_dataset.embargo_until IS 'UTC; when the embargo ends; NULL: never by itself';

COMMENT ON COLUMN projection.op_dataset.metrics IS 'JSON object: what criteria read, by name, such as health.good';

COMMENT ON COLUMN projection.op_dataset.problems IS 'JSON array: fields that could not be taken: {path, found, wanted}';

COMMENT ON COLUMN projection.op_dataset.is_gone IS 'its catalogue no longer has it';

COMMENT ON COLUMN projection.op_dataset.gone_at IS 'UTC; when it was found gone';

COMMENT ON COLUMN projection.op_dataset.source IS 'the catalogue, or the sender''s event, of the last that was heard of it';

COMMENT ON COLUMN projection.op_dataset.first_seen_at IS 'UTC; when it was first heard of';

COMMENT ON COLUMN projection.op_dataset.changed_at IS 'UTC; when it came, or last changed in a field that counts';

COMMENT ON COLUMN projection.op_dataset.sequence IS 'number of the last fact about it';

CREATE INDEX op_dataset_by_dataset ON projection.op_dataset (dataset);

CREATE TABLE projection.op_program (
    op TEXT COLLATE "C" NOT NULL,
    program TEXT COLLATE "C" NOT NULL,
    instrument TEXT,
    state TEXT,
    since_at TIMESTAMP WITH TIME ZONE,
    first_seen_at TIMESTAMP WITH TIME ZONE,
    datasets BIGINT,
    cover TEXT,
    is_ready BOOLEAN,
    expected_datasets BIGINT,
    ready_by TEXT,
    ready_at TIMESTAMP WITH TIME ZONE,
    ready_message TEXT,
    awaited_until TIMESTAMP WITH TIME ZONE,
    readiness_policy TEXT,
    readiness_version BIGINT,
    forecast TEXT,
    criteria TEXT,
    criteria_version BIGINT,
    outcome TEXT,
    failed_criteria JSONB,
    verdict_sequence BIGINT,
    judged_at TIMESTAMP WITH TIME ZONE,
    staged_at TIMESTAMP WITH TIME ZONE,
    staged_location TEXT,
    staged_files BIGINT,
    staged_bytes BIGINT,
    staged_manifest_uri TEXT,
    not_needed_because TEXT,
    CONSTRAINT op_program_key PRIMARY KEY (op, program)
)
 WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON COLUMN projection.op_program.op IS 'id of the observing program''s execution';

COMMENT ON COLUMN projection.op_program.program IS 'id of the instrument program''s execution';

COMMENT ON COLUMN projection.op_program.instrument IS 'instrument as the catalogue names it';

COMMENT ON COLUMN projection.op_program.state IS 'Discovered, Invertible, Not Invertible, Not applicable or Preprocessed';

COMMENT ON COLUMN projection.op_program.since_at IS 'UTC; when it came into this state';

COMMENT ON COLUMN projection.op_program.first_seen_at IS 'UTC; when its first dataset was heard of';

COMMENT ON COLUMN projection.op_program.datasets IS 'how many datasets it has';

COMMENT ON COLUMN projection.op_program.cover IS 'hex; digest over the names and significant fields of its datasets';

COMMENT ON COLUMN projection.op_program.is_ready IS 'all of its datasets are there, as far as anybody knows';

COMMENT ON COLUMN projection.op_program.expected_datasets IS 'how many a manifest or a sender said; NULL: nobody has';

COMMENT ON COLUMN projection.op_program.ready_by IS 'why it is ready: manifest, ready_event, quiet_period or operator';

COMMENT ON COLUMN projection.op_program.ready_at IS 'UTC; when it was found ready';

COMMENT ON COLUMN projection.op_program.ready_message IS 'that in words';

COMMENT ON COLUMN projection.op_program.awaited_until IS 'UTC; it is ready then if nothing comes; NULL: nothing is awaited';

COMMENT ON COLUMN projection.op_program.readiness_policy IS 'policy by which it is ready, or awaited';

COMMENT ON COLUMN projection.op_program.readiness_version IS 'version of that policy';

COMMENT ON COLUMN projection.op_program.forecast IS 'when it is likely to be whole, in words';

COMMENT ON COLUMN projection.op_program.criteria IS 'criteria it was judged by; NULL: no verdict that holds';

COMMENT ON COLUMN projection.op_program.criteria_version IS 'version of the criteria';

COMMENT ON COLUMN projection.op_program.outcome IS 'pass, fail or not_applicable';

COMMENT ON COLUMN projection.op_program.failed_criteria IS 'JSON array: required criteria that were not met';

COMMENT ON COLUMN projection.op_program.verdict_sequence IS 'number of the fact with the verdict';

COMMENT ON COLUMN projection.op_program.judged_at IS 'UTC; when it was judged';

COMMENT ON COLUMN projection.op_program.staged_at IS 'UTC; when its inputs were staged, or staging was not needed';

COMMENT ON COLUMN projection.op_program.staged_location IS 'where its inputs are staged';

COMMENT ON COLUMN projection.op_program.staged_files IS 'how many files were staged';

COMMENT ON COLUMN projection.op_program.staged_bytes IS 'bytes; of the files that were staged';

COMMENT ON COLUMN projection.op_program.staged_manifest_uri IS 'where the list of the staged files is';

COMMENT ON COLUMN projection.op_program.not_needed_because IS 'why nothing had to be staged';

CREATE INDEX op_program_awaited ON projection.op_program (awaited_until) WHERE awaited_until IS NOT NULL;

CREATE INDEX op_program_to_claim ON projection.op_program (op, program) WHERE state = 'Preprocessed';

CREATE TABLE projection.op_status (
    op TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL,
    since_at TIMESTAMP WITH TIME ZONE NOT NULL,
    source TEXT,
    experiment TEXT,
    proposal TEXT,
    observing_program TEXT,
    repeat TEXT,
    first_seen_at TIMESTAMP WITH TIME ZONE,
    attempts INTEGER,
    is_held BOOLEAN DEFAULT false NOT NULL,
    held_reason TEXT,
    held_at TIMESTAMP WITH TIME ZONE,
    priority INTEGER DEFAULT 0 NOT NULL,
    mark BOOLEAN DEFAULT false NOT NULL,
    owner TEXT,
    lead TEXT,
    owner_due_at TIMESTAMP WITH TIME ZONE,
    lead_due_at TIMESTAMP WITH TIME ZONE,
    overdue_to TEXT,
    overdue_at TIMESTAMP WITH TIME ZONE,
    failures JSONB,
    note TEXT,
    noted_at TIMESTAMP WITH TIME ZONE,
    sequence BIGINT NOT NULL,
    event_id UUID NOT NULL,
    partition INTEGER NOT NULL,
    ledger_offset BIGINT NOT NULL,
    correlationid TEXT,
    CONSTRAINT op_status_key PRIMARY KEY (op)
)
 WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON COLUMN projection.op_status.op IS 'id of the observing program''s execution';

COMMENT ON COLUMN projection.op_status.state IS 'Discovered, Invertible, Not Invertible, Preprocessed, Working, Inverted, Published or Error';

COMMENT ON COLUMN projection.op_status.since_at IS 'UTC; when it came into this state';

COMMENT ON COLUMN projection.op_status.source IS 'the catalogue, or the sender''s event, that it was discovered by';

COMMENT ON COLUMN projection.op_status.experiment IS 'experiment that it belongs to';

COMMENT ON COLUMN projection.op_status.proposal IS 'proposal that it belongs to';

COMMENT ON COLUMN projection.op_status.observing_program IS 'what was executed; repeats share it';

COMMENT ON COLUMN projection.op_status.repeat IS 'which execution of it this is';

COMMENT ON COLUMN projection.op_status.first_seen_at IS 'UTC; when it was discovered';

COMMENT ON COLUMN projection.op_status.attempts IS 'how many attempts at inverting a program of it were begun';

COMMENT ON COLUMN projection.op_status.is_held IS 'no new work on it for now';

COMMENT ON COLUMN projection.op_status.held_reason IS 'why it is held';

COMMENT ON COLUMN projection.op_status.held_at IS 'UTC; since when it is held';

COMMENT ON COLUMN projection.op_status.priority IS '-100 to 100; higher: sooner';

COMMENT ON COLUMN projection.op_status.mark IS 'an operator has marked it as next';

COMMENT ON COLUMN projection.op_status.owner IS 'whose it is';

COMMENT ON COLUMN projection.op_status.lead IS 'who hears of it after the owner';

COMMENT ON COLUMN projection.op_status.owner_due_at IS 'UTC; by when it is to be done';

COMMENT ON COLUMN projection.op_status.lead_due_at IS 'UTC; when the lead hears of it';

COMMENT ON COLUMN projection.op_status.overdue_to IS 'who was told last that it is overdue: owner or lead; NULL: nobody';

COMMENT ON COLUMN projection.op_status.overdue_at IS 'UTC; when that was';

COMMENT ON COLUMN projection.op_status.failures IS 'by part (op, program:<id>, attempt:<number>): what failed there; null: mended';

COMMENT ON COLUMN projection.op_status.note IS 'the last remark';

COMMENT ON COLUMN projection.op_status.noted_at IS 'UTC; time of the last remark';

COMMENT ON COLUMN projection.op_status.sequence IS 'number of the last fact in its history';

COMMENT ON COLUMN projection.op_status.event_id IS 'id of the last fact';

COMMENT ON COLUMN projection.op_status.partition IS 'partition of the ledger topic';

COMMENT ON COLUMN projection.op_status.ledger_offset IS 'offset of the last fact in that partition';

COMMENT ON COLUMN projection.op_status.correlationid IS 'the story it belongs to: the sender''s id of what it was discovered by';

CREATE INDEX op_status_by_state ON projection.op_status (state, since_at);
