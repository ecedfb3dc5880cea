"""The lifecycle of an observing program: the whole table.

The OP's state is the furthest of its instrument programs and of the attempts at inverting them, with three rules where
they differ. Not Invertible counts only when nothing is further ahead *or still undecided*: a program that waits for its
verdict keeps the OP in Discovered. What is public keeps the OP in Published, so a re-inversion, or a step of it that
fails, never takes the OP off the portal. Otherwise what failed puts the OP in Error, while its other programs and
attempts go on; recovering shows where they stand by then, and so does the end of an attempt that failed. New data opens
its own program again also while attempts at it go on: those keep the datasets they were claimed with, and are flagged.
A sender's word that an OP is ready makes it known before any catalogue has it: the word is kept, and its first datasets
discover it once more, with its experiment and proposal.
"""

from events import op as facts
from events import op_asks as asks
from events import op_attempts as attempts
from events import op_requests as requests
from events import op_staging as staging
from machines.lifecycle import SAME, Lifecycle, Row
from machines.op_state import OpState

__all__ = ["OP_LIFE"]

S = OpState
NOTHING, DISCOVERED, INVERTIBLE, NOT_INVERTIBLE = S.NOTHING, S.DISCOVERED, S.INVERTIBLE, S.NOT_INVERTIBLE
PREPROCESSED, WORKING, INVERTED, PUBLISHED, ERROR = (
    S.PREPROCESSED, S.WORKING, S.INVERTED, S.PUBLISHED, S.ERROR,
)  # fmt: skip
SPOKEN_OF = frozenset({NOTHING, DISCOVERED})
KNOWN = frozenset(S) - {NOTHING}
LATER = frozenset({WORKING, INVERTED, PUBLISHED, ERROR})
DONE = frozenset({INVERTED, PUBLISHED, ERROR})
EARLY = frozenset({DISCOVERED, INVERTIBLE, NOT_INVERTIBLE, PREPROCESSED})
UNDECIDED = KNOWN - {NOT_INVERTIBLE}
KEPT = frozenset({INVERTED, PUBLISHED})
OPENED = frozenset({DISCOVERED, NOT_INVERTIBLE})
JUDGED = OPENED | {INVERTIBLE}
PASSED = frozenset({INVERTIBLE, PREPROCESSED})
OPENED_OR_PASSED = PASSED | {DISCOVERED}
OPENED_OR_INVERTIBLE = frozenset({DISCOVERED, INVERTIBLE})
SHOWN = frozenset({PUBLISHED, ERROR})

OP_LIFE = Lifecycle(
    OpState,
    initial=NOTHING,
    rows=[
        #   request                        fact                       from                   to
        Row(requests.DiscoverOp,           facts.OpDiscovered,        SPOKEN_OF,             DISCOVERED),
        Row(requests.DiscoverOp,           facts.OpDatasetsChanged,   OPENED,                DISCOVERED),
        Row(requests.DiscoverOp,           facts.OpDatasetsChanged,   INVERTIBLE,            OPENED_OR_INVERTIBLE),
        Row(requests.DiscoverOp,           facts.OpDatasetsChanged,   PREPROCESSED,          OPENED_OR_PASSED),
        Row(requests.DiscoverOp,           facts.OpDatasetsChanged,   LATER,                 SAME),
        Row(requests.DiscoverOp,           facts.OpMetadataChanged,   KNOWN,                 SAME),
        Row(requests.ChangeOpDatasets,     facts.OpDatasetsChanged,   OPENED,                OPENED),
        Row(requests.ChangeOpDatasets,     facts.OpDatasetsChanged,   INVERTIBLE,            JUDGED),
        Row(requests.ChangeOpDatasets,     facts.OpDatasetsChanged,   PREPROCESSED,          EARLY),
        Row(requests.ChangeOpDatasets,     facts.OpDatasetsChanged,   LATER,                 SAME),
        Row(requests.ChangeOpDatasets,     facts.OpMetadataChanged,   KNOWN,                 SAME),
        Row(requests.AwaitOpReady,         facts.OpReadyAwaited,      UNDECIDED,             SAME),
        Row(requests.ReadyOp,              facts.OpReadinessClosed,   UNDECIDED,             SAME),
        Row(requests.ReadyOp,              facts.OpReadyKept,         NOTHING,               DISCOVERED),
        Row(requests.ReadyOp,              facts.OpReadyKept,         KNOWN,                 SAME),
        Row(requests.QuietDueOp,           facts.OpReadinessClosed,   UNDECIDED,             SAME),
        Row(requests.JudgeOp,              facts.OpJudged,            DISCOVERED,            JUDGED),
        Row(requests.JudgeOp,              facts.OpJudged,            PASSED,                SAME),
        Row(requests.JudgeOp,              facts.OpJudged,            LATER,                 SAME),
        Row(requests.RequalifyOp,          facts.OpRequalified,       OPENED,                DISCOVERED),
        Row(requests.RequalifyOp,          facts.OpRequalified,       INVERTIBLE,            OPENED_OR_INVERTIBLE),
        Row(requests.RequalifyOp,          facts.OpRequalified,       PREPROCESSED,          OPENED_OR_PASSED),
        Row(requests.RequalifyOp,          facts.OpRequalified,       LATER,                 SAME),
        Row(requests.ReportOpPreprocessed, facts.OpPreprocessed,      PASSED,                PREPROCESSED),
        Row(requests.ReportOpPreprocessed, facts.OpPreprocessed,      LATER,                 SAME),
        Row(requests.ReportOpNotNeeded,    facts.OpNotNeeded,         PASSED,                PREPROCESSED),
        Row(requests.ReportOpNotNeeded,    facts.OpNotNeeded,         LATER,                 SAME),
        Row(staging.UnstageOp,             staging.OpUnstaging,       KNOWN,                 SAME),
        Row(staging.ReportOpUnstaged,      staging.OpUnstaged,        KNOWN,                 SAME),
        Row(asks.ClaimOp,                  attempts.OpClaimed,        PREPROCESSED,          WORKING),
        Row(asks.ClaimOp,                  attempts.OpClaimed,        LATER,                 SAME),
        Row(asks.ReinvertOp,               attempts.OpClaimed,        PUBLISHED,             SAME),
        Row(asks.ExtendOp,                 attempts.OpExtended,       LATER,                 SAME),
        Row(asks.HandOverOp,               attempts.OpHandedOver,     LATER,                 SAME),
        Row(asks.ReleaseOp,                attempts.OpReleased,       WORKING,               EARLY | {WORKING}),
        Row(asks.ReleaseOp,                attempts.OpReleased,       KEPT,                  SAME),
        Row(asks.ReleaseOp,                attempts.OpReleased,       ERROR,                 KNOWN - {PUBLISHED}),
        Row(asks.LeaseDueOp,               attempts.OpLeaseWarned,    LATER,                 SAME),
        Row(asks.LeaseDueOp,               attempts.OpReleased,       WORKING,               EARLY | {WORKING}),
        Row(asks.LeaseDueOp,               attempts.OpReleased,       KEPT,                  SAME),
        Row(asks.LeaseDueOp,               attempts.OpReleased,       ERROR,                 KNOWN - {PUBLISHED}),
        Row(asks.HandInOp,                 attempts.OpHandedIn,       LATER,                 SAME),
        Row(asks.HandInOp,                 attempts.OpHandedIn,       EARLY,                 WORKING),
        Row(asks.ReportOpInverted,         attempts.OpInverted,       WORKING,               INVERTED),
        Row(asks.ReportOpInverted,         attempts.OpInverted,       DONE,                  SAME),
        Row(asks.ReportOpHandInRefused,    attempts.OpHandInRefused,  LATER,                 SAME),
        Row(asks.ReviewOp,                 attempts.OpAccepted,       DONE,                  SAME),
        Row(asks.ReviewOp,                 attempts.OpReworkAsked,    INVERTED,              {INVERTED, WORKING}),
        Row(asks.ReviewOp,                 attempts.OpReworkAsked,    SHOWN,                 SAME),
        Row(asks.ReviewOp,                 attempts.OpRejected,       INVERTED,              KNOWN - SHOWN),
        Row(asks.ReviewOp,                 attempts.OpRejected,       SHOWN,                 SAME),
        Row(asks.PublishOp,                attempts.OpPublishing,     DONE,                  SAME),
        Row(asks.ReportOpStepDone,         attempts.OpStepDone,       DONE,                  SAME),
        Row(asks.ReportOpPublished,        attempts.OpPublished,      DONE,                  PUBLISHED),
        Row(asks.WithdrawOp,               attempts.OpWithdrawing,    KEPT,                  SAME),
        Row(asks.WithdrawOp,               attempts.OpWithdrawing,    ERROR,                 {ERROR, INVERTED}),
        Row(asks.ReportOpWithdrawn,        attempts.OpWithdrawn,      {INVERTED,             ERROR},          SAME),
        Row(asks.ReportOpWithdrawn,        attempts.OpWithdrawn,      PUBLISHED,             DONE),
        Row(asks.EmbargoOp,                attempts.OpEmbargoed,      PUBLISHED,             SAME),
        Row(asks.LiftOp,                   attempts.OpEmbargoLifted,  PUBLISHED,             SAME),
        Row(requests.FailOp,               facts.OpFailed,            KNOWN - {PUBLISHED},   ERROR),
        Row(requests.FailOp,               facts.OpFailed,            PUBLISHED,             SAME),
        Row(requests.RecoverOp,            facts.OpRecovered,         ERROR,                 KNOWN - {PUBLISHED}),
        Row(requests.RecoverOp,            facts.OpRecovered,         PUBLISHED,             SAME),
        Row(requests.PrioritiseOp,         facts.OpPrioritised,       KNOWN,                 SAME),
        Row(requests.AssignOp,             facts.OpAssigned,          KNOWN,                 SAME),
        Row(requests.OverdueOp,            facts.OpOverdue,           KNOWN,                 SAME),
        Row(requests.HoldOp,               facts.OpHeld,              KNOWN,                 SAME),
        Row(requests.UnholdOp,             facts.OpUnheld,            KNOWN,                 SAME),
        Row(requests.NoteOp,               facts.OpNoted,             KNOWN,                 SAME),
        Row(None,                          facts.OpReportIgnored,     KNOWN,                 SAME),
    ],
)  # fmt: skip
