"""Views of observing programs and groups: where each stands, its parts, who may work on what, who was waited for."""

from projectors.group_status import group_status
from projectors.ledger import ledger
from projectors.op_attempt import op_attempt
from projectors.op_dataset import op_dataset
from projectors.op_program import op_program
from projectors.op_staged import op_staged
from projectors.op_status import op_status
from projectors.view import View

__all__ = ["OP_VIEWS"]

_OP = {"op": "id of the observing program's execution"}

OP = View(
    "op",
    "One row an observing program: its state, its place in the queue, and what failed in it last.",
    """
    SELECT s.op, s.state, s.since_at, s.experiment, s.proposal, s.observing_program, s.repeat, s.source,
           (SELECT count(*) FROM projection.op_program p WHERE p.op = s.op AND p.datasets > 0) AS programs,
           (SELECT COALESCE(sum(p.datasets), 0)::bigint FROM projection.op_program p WHERE p.op = s.op) AS datasets,
           (SELECT string_agg(DISTINCT p.instrument, ', ') FROM projection.op_program p
            WHERE p.op = s.op AND p.datasets > 0) AS instruments,
           COALESCE(s.attempts, 0) AS attempts,
           (SELECT string_agg(DISTINCT a.claimant, ', ') FROM projection.op_attempt a
            WHERE a.op = s.op AND a.state IN ('Working', 'HandedIn', 'Verified', 'Accepted', 'Publishing')
           ) AS claimed_by,
           s.is_held, s.held_reason, s.held_at, s.priority, s.mark, s.owner, s.lead, s.owner_due_at, s.lead_due_at,
           s.overdue_to, s.overdue_at,
           f.part AS failed_part, f.told ->> 'step' AS failed_step, f.told ->> 'code' AS code,
           f.told ->> 'failure_class' AS failure_class, f.told ->> 'message' AS message, f.told ->> 'found' AS found,
           f.told ->> 'wanted' AS wanted, (f.told ->> 'due_at')::timestamptz AS due_at,
           (f.told ->> 'at')::timestamptz AS failed_at, jsonb_strip_nulls(s.failures) AS failures,
           s.note, s.noted_at, s.first_seen_at, s.sequence, s.event_id, s.partition, s.ledger_offset,
           s.correlationid, t.subject IS NOT NULL AS is_tainted, s.announced_datasets
    FROM projection.op_status s
    LEFT JOIN LATERAL (
        SELECT e.key AS part, e.value AS told FROM jsonb_each(s.failures) e WHERE e.value <> 'null'::jsonb
        ORDER BY e.value ->> 'at' DESC, e.key LIMIT 1
    ) f ON true
    LEFT JOIN projection.tainted t ON t.machine = 'op' AND t.subject = s.op
    """,
    (op_status.table,),
    {
        "programs": "how many instrument programs have datasets",
        "datasets": "how many datasets it has",
        "instruments": "instruments of those programs",
        "attempts": "how many attempts at inverting a program of it were begun",
        "claimed_by": "who works on it: claimants of attempts that hold a program; NULL: nobody",
        "failed_part": "what failed last and is not mended: op, program:<id>, attempt:<number>; NULL: nothing",
        "failed_step": "the step that failed there",
        "code": "code of that failure",
        "failure_class": "data, transient, code or infrastructure: whose fault it is",
        "message": "that failure in words",
        "found": "what was found",
        "wanted": "what was wanted",
        "due_at": "UTC; when it is tried again by itself; NULL: a person has to act",
        "failed_at": "UTC; when that was",
        "failures": "by part: all that failed and is not mended: {step, code, message, due_at, at …}",
    },
)

OP_PROGRAM = View(
    "op_program",
    "One row an instrument program of an observing program: its datasets in sum, readiness, verdict and staging.",
    """
    SELECT p.op, p.program, p.instrument, p.state, p.since_at, p.first_seen_at, p.datasets, p.cover, p.is_ready,
           p.expected_datasets, p.ready_by, p.ready_at, p.ready_message, p.awaited_until, p.readiness_policy,
           p.readiness_version, p.forecast, p.criteria, p.criteria_version, p.outcome, p.failed_criteria,
           p.verdict_sequence, p.judged_at, p.staged_at, p.staged_location, p.staged_files, p.staged_bytes,
           p.staged_manifest_uri, p.not_needed_because, p.frames, t.subject IS NOT NULL AS is_tainted,
           p.unstaged_because
    FROM projection.op_program p
    LEFT JOIN projection.tainted t ON t.machine = 'op' AND t.subject = p.op
    WHERE p.state IS NOT NULL
    """,
    (op_program.table,),
)

OP_DATASET = View(
    "op_dataset",
    "One row a dataset of an observing program, those that are gone from their catalogue included.",
    """
    SELECT d.op, d.program, d.dataset, d.instrument, d.digest, d.frames, d.size_bytes, d.created_at, d.started_at,
           d.ended_at, d.is_embargoed, d.embargo_until, d.metrics, d.problems, d.is_gone, d.gone_at,
           COALESCE(p.is_ready, false) AS is_closed, d.source, d.first_seen_at, d.changed_at, d.sequence,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.op_dataset d
    LEFT JOIN projection.op_program p ON p.op = d.op AND p.program = d.program
    LEFT JOIN projection.tainted t ON t.machine = 'op' AND t.subject = d.op
    """,
    (op_dataset.table,),
    {"is_closed": "its program is taken to have all of its datasets"},
)

OP_CRITERION = View(
    "op_criterion",
    "One row a finding of a verdict: every criterion, met or not; earlier verdicts included.",
    # Members of a verdict that its program has too are read from there while it holds: whoever counts findings of one
    # criterion reads little else of them.
    """
    SELECT l.subject AS op, COALESCE(p.program, l.data #>> '{verdict,program}') COLLATE "C" AS program,
           COALESCE(p.instrument, l.data #>> '{verdict,instrument}') AS instrument,
           COALESCE(p.criteria, l.data #>> '{verdict,criteria}') AS criteria,
           COALESCE(p.criteria_version, (l.data #>> '{verdict,criteria_version}')::bigint) AS criteria_version,
           f.told ->> 'name' AS criterion, (f.told ->> 'dataset') COLLATE "C" AS dataset,
           f.told ->> 'metric' AS metric, f.told ->> 'comparison' AS comparison,
           CASE WHEN jsonb_typeof(f.told -> 'value') = 'number' THEN (f.told -> 'value')::float8 END AS value,
           CASE WHEN jsonb_typeof(f.told -> 'value') <> 'number' THEN f.told ->> 'value' END AS value_text,
           CASE WHEN jsonb_typeof(f.told -> 'threshold') = 'number' THEN (f.told -> 'threshold')::float8 END
               AS threshold,
           CASE WHEN jsonb_typeof(f.told -> 'threshold') <> 'number' THEN f.told ->> 'threshold' END
               AS threshold_text,
           CASE WHEN jsonb_typeof(f.told -> 'margin') = 'number' THEN (f.told -> 'margin')::float8 END AS margin,
           f.told ->> 'unit' AS unit, (f.told -> 'passed')::boolean AS passed,
           (f.told -> 'required')::boolean AS required, f.told ->> 'message' AS message,
           f.told ->> 'source' AS wanted_by, l.time AS judged_at, l.sequence, f.ordinal::integer AS ordinal,
           p.op IS NOT NULL AS is_current, t.subject IS NOT NULL AS is_tainted
    FROM projection.ledger l
    CROSS JOIN LATERAL jsonb_array_elements(l.data #> '{verdict,findings}') WITH ORDINALITY AS f (told, ordinal)
    LEFT JOIN projection.op_program p ON p.op = l.subject AND p.verdict_sequence = l.sequence
    LEFT JOIN projection.tainted t ON t.machine = 'op' AND t.subject = l.subject
    WHERE l.type = 'op.judged'
    """,
    (),
    {
        **_OP,
        "program": "id of the instrument program's execution",
        "instrument": "instrument as the catalogue names it",
        "criteria": "name of the set of criteria",
        "criteria_version": "version of the criteria",
        "criterion": "name of the criterion",
        "dataset": "dataset looked at; NULL: the program as a whole",
        "metric": "what was measured",
        "comparison": "how value and threshold are compared, such as >=",
        "value": "the value found, in ``unit``, where it is a number",
        "value_text": "the value found, where it is none; several as a JSON array",
        "threshold": "what it was compared with, in ``unit``, where it is a number",
        "threshold_text": "what it was compared with, where it is none",
        "margin": "value less threshold, in ``unit``; negative: short of it",
        "unit": "unit of value, threshold and margin",
        "passed": "it was met",
        "required": "false: recorded only",
        "message": "the finding in words",
        "wanted_by": "who wants it",
        "judged_at": "UTC; when the verdict was recorded",
        "sequence": "number of its verdict's fact",
        "ordinal": "its place in the verdict, from 1",
        "is_current": "the verdict holds: no later one, and the same datasets",
    },
)

OP_ATTEMPT = View(
    "op_attempt",
    "One row an attempt at inverting a program: whose, until when, what was handed in, the review, the publication.",
    """
    SELECT a.op, a.attempt, a.program, a.state, a.since_at, a.claimant, a.orcid, a.claimed_at, a.datasets, a.cover,
           a.changed_since, a.beside, a.rank, a.score, a.staged_location, a.lease_from, a.lease_until,
           a.lease_warned, a.is_expired, COALESCE(a.rounds, 0) AS rounds, a.handed_in_at, a.is_late, a.outputs,
           a.inputs, a.repository, a.commit_id, a.hand_in_message, a.refused_reasons, a.verified_at,
           a.verified_outputs, a.verified_bytes, a.commit_check, a.reviewer, a.review, a.review_note, a.reviewed_at,
           a.publication, a.steps_done, a.objects, a.archived_bytes, a.manifest_uri, a.manifest_sha256,
           a.acknowledgement, a.identifier, a.portal_uri, a.published_at, a.is_public, a.is_embargoed,
           a.embargo_until, a.supersedes, a.replacement, a.withdrawn_at, a.sequence,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.op_attempt a
    LEFT JOIN projection.tainted t ON t.machine = 'op' AND t.subject = a.op
    """,
    (op_attempt.table,),
)

OP_STAGED = View(
    "op_staged",
    "One row a folder with staged inputs of an instrument program, those that have been removed included.",
    """
    SELECT s.op, s.program, s.location, s.cover, s.staged_at, s.files, s.size_bytes, s.manifest_uri, s.removing_at,
           s.policy, s.because, s.removed_at, s.was_left, s.message,
           COALESCE(p.staged_location = s.location, false) AS is_current, t.subject IS NOT NULL AS is_tainted
    FROM projection.op_staged s
    LEFT JOIN projection.op_program p ON p.op = s.op AND p.program = s.program
    LEFT JOIN projection.tainted t ON t.machine = 'op' AND t.subject = s.op
    """,
    (op_staged.table,),
    {"is_current": "they are the inputs of the program as it stands now"},
)

OP_QUEUE = View(
    "op_queue",
    "One row an instrument program that can be claimed now, with all that its rank goes by; not ranked here.",
    """
    SELECT p.op, p.program, p.instrument, p.since_at AS waiting_since_at, p.datasets,
           COALESCE(p.frames, (SELECT sum(d.frames)::bigint FROM projection.op_dataset d
                               WHERE d.op = p.op AND d.program = p.program AND NOT d.is_gone)) AS frames,
           s.priority, s.mark, s.owner, s.owner_due_at, s.overdue_to, p.criteria, p.criteria_version, p.outcome,
           p.staged_location, s.state, s.experiment, s.proposal, t.subject IS NOT NULL AS is_tainted
    FROM projection.op_program p
    JOIN projection.op_status s ON s.op = p.op
    LEFT JOIN projection.tainted t ON t.machine = 'op' AND t.subject = p.op
    WHERE p.state = 'Preprocessed' AND p.datasets > 0 AND NOT s.is_held
      AND COALESCE(s.failures -> 'op', 'null') = 'null'
      AND COALESCE(s.failures -> ('program:' || p.program), 'null') = 'null'
      AND NOT EXISTS (SELECT FROM projection.op_attempt a
                      WHERE a.op = p.op AND a.program = p.program AND
                           (a.state IN ('Working', 'HandedIn', 'Verified', 'Accepted', 'Publishing')
                            OR a.is_public))
    """,
    (op_program.table, op_status.table),
    {
        "waiting_since_at": "UTC; since when it can be claimed",
        "frames": "how many frames its datasets have; NULL: nobody has said",
        "state": "state of the observing program as a whole",
    },
)

OP_HISTORY = View(
    "op_history",
    "One row a record in the life of an observing program, refusals included; order by op, sequence.",
    """
    SELECT l.subject AS op, l.sequence, l.time, l.type, l.fromstate, l.tostate, l.attempt, l.actor,
           l.reason, l.is_refusal, l.event_id, l.requestid, l.causationid, l.correlationid, l.partition,
           l.ledger_offset, l.data, t.subject IS NOT NULL AS is_tainted
    FROM projection.ledger l
    LEFT JOIN projection.tainted t ON t.machine = 'op' AND t.subject = l.subject
    WHERE l.machine = 'op'
    """,
    (ledger,),
    {**_OP, "attempt": "attempt at inverting a program that it concerns"},
)

RESPONSIBILITY = View(
    "responsibility",
    "How long each observing program was in each state, and whom it waited for there; holds are not taken out.",
    """
    SELECT m.op, m.state,
           CASE m.state WHEN 'Discovered' THEN 'data and verdict' WHEN 'Invertible' THEN 'staging'
                        WHEN 'Preprocessed' THEN 'a scientist to claim it' WHEN 'Working' THEN 'the claimant'
                        WHEN 'Inverted' THEN 'review and publication' WHEN 'Error' THEN 'an operator'
                        ELSE 'nobody' END AS waited_for,
           count(*) AS entered,
           sum(EXTRACT(EPOCH FROM COALESCE(m.until_at, now()) - m.from_at))::float8 AS waited_s,
           bool_or(m.until_at IS NULL) AS is_current
    FROM (SELECT l.subject AS op, l.tostate AS state, l.time AS from_at,
                 lead(l.time) OVER (PARTITION BY l.subject ORDER BY l.sequence) AS until_at
          FROM projection.ledger l
          WHERE l.machine = 'op' AND NOT l.is_refusal AND l.fromstate IS DISTINCT FROM l.tostate) m
    GROUP BY m.op, m.state
    """,
    (ledger,),
    {
        **_OP,
        "state": "state of the observing program as a whole",
        "waited_for": "whom or what it waited for in that state",
        "entered": "how often it came into that state",
        "waited_s": "time in that state in all, until now where it is there still, seconds",
        "is_current": "it is in that state now",
    },
)

GROUP = View(
    "group",
    "One row a group of files, such as an exposure or a dataset: how many are expected, and how they stand.",
    """
    SELECT g.group_id, g.stream, g.kind, g.state, g.since_at, g.first_seen_at, g.expected, g.expected_by, g.done,
           g.expected - g.done AS missing, g.seen, g.complete, g.invalid, g.dismissed, g.excused, g.unexpected,
           g.sidecars, g.sidecar_needed, g.closes_when_due, g.due_at, g.is_due, g.missing_ranges,
           g.parents ->> 'op' AS op, g.parents ->> 'program' AS program, g.parents ->> 'dataset' AS dataset,
           g.parents ->> 'instrument' AS instrument, g.parents ->> 'proposal' AS proposal, g.digest, g.warnings,
           g.warned_at, g.note, g.noted_at, g.sequence, g.event_id, g.partition, g.ledger_offset,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.group_status g
    LEFT JOIN projection.tainted t ON t.machine = 'group' AND t.subject = g.group_id
    """,
    (group_status.table,),
    {
        "missing": "expected members that are not done; NULL: nobody has said what is expected",
        "op": "observing program that it belongs to, as its members say",
        "program": "instrument program that it belongs to, as its members say",
        "dataset": "dataset that it is, or belongs to, as its members say",
        "instrument": "instrument, as its members say",
        "proposal": "proposal that it belongs to, as its members say",
    },
)

OP_VIEWS = (
    OP, OP_PROGRAM, OP_DATASET, OP_CRITERION, OP_ATTEMPT, OP_STAGED, OP_QUEUE, OP_HISTORY, RESPONSIBILITY, GROUP,
)  # fmt: skip
