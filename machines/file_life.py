"""The lifecycle of a version of a file: the whole table."""

from events import file as facts
from events import file_manifest as manifest
from events import file_removal as removal
from events import file_requests as asks
from events import file_sidecar as sidecar
from machines.file_state import (
    COMPLETE,
    DISMISSED,
    ERROR,
    INVALID,
    NOTHING,
    PROCESSING,
    QUEUED,
    TRANSFERRED,
    TRANSFERRING,
    FileState,
)
from machines.lifecycle import SAME, Lifecycle, Row

__all__ = ["FILE_LIFE"]

KNOWN = frozenset(FileState) - {NOTHING}
CHECKED = frozenset({TRANSFERRING, COMPLETE, INVALID, ERROR})
DISMISSIBLE = frozenset({QUEUED, INVALID, ERROR})
WORKING = frozenset({QUEUED, PROCESSING, TRANSFERRING, TRANSFERRED})

FILE_LIFE = Lifecycle(
    FileState,
    initial=NOTHING,
    rows=[
        #   request                     fact                      from                        to
        Row(asks.ArriveFile,            facts.FileArrived,        NOTHING,                     QUEUED),
        Row(asks.ArriveFile,            facts.FileConflicted,     NOTHING,                     ERROR),
        Row(asks.ArriveFile,            facts.FileWitnessed,      KNOWN,                       SAME),
        Row(asks.ArriveFile,            facts.FileDeferred,       WORKING,                     SAME),
        Row(asks.AdoptFile,             facts.FileAdopted,        NOTHING,                     COMPLETE),
        Row(asks.StartFile,             facts.FileStarted,        QUEUED,                      PROCESSING),
        Row(asks.ReportFileValidated,   facts.FileValidated,      PROCESSING,                  CHECKED),
        Row(asks.RejectFile,            facts.FileRejected,       PROCESSING,                  INVALID),
        Row(asks.ReportFileTransferred, facts.FileTransferred,    TRANSFERRING,                TRANSFERRED),
        Row(asks.ReportFileRegistered,  facts.FileRegistered,     TRANSFERRED,                 COMPLETE),
        Row(asks.ReportFilePreviewed,   facts.FilePreviewed,      KNOWN,                       SAME),
        Row(asks.ReportNotifyFailed,    facts.FileNotifyFailed,   TRANSFERRED,                 SAME),
        Row(asks.FailFile,              facts.FileFailed,         WORKING,                     ERROR),
        Row(asks.RetryFile,             facts.FileRetried,        ERROR,                       WORKING),
        Row(asks.ReprocessFile,         facts.FileReprocessed,    {COMPLETE, INVALID, ERROR},  QUEUED),
        Row(asks.ReportFileDamaged,     facts.FileDamaged,        COMPLETE,                    ERROR),
        Row(asks.ReportFileRestored,    facts.FileRestored,       ERROR,                       COMPLETE),
        Row(asks.DismissFile,           facts.FileDismissed,      {QUEUED, INVALID, ERROR},    DISMISSED),
        Row(asks.ReopenFile,            facts.FileReopened,       DISMISSED,                   DISMISSIBLE),
        Row(asks.AcknowledgeFile,       facts.FileAcknowledged,   KNOWN,                       SAME),
        Row(asks.HoldFile,              facts.FileHeld,           KNOWN,                       SAME),
        Row(asks.UnholdFile,            facts.FileUnheld,         KNOWN,                       SAME),
        Row(asks.RedriveFile,           facts.FileRedriven,       KNOWN,                       SAME),
        Row(asks.NoteFile,              facts.FileNoted,          KNOWN,                       SAME),
        Row(asks.EmbargoFile,           facts.FileEmbargoed,      KNOWN,                       SAME),
        Row(asks.ExtendFile,            facts.FileExtended,       KNOWN,                       SAME),
        Row(asks.LiftFile,              facts.FileLifted,         KNOWN,                       SAME),
        Row(removal.RemoveFile,         removal.FileRemoving,     KNOWN,                       SAME),
        Row(removal.ReportFileRemoved,  removal.FileRemoved,      KNOWN,                       SAME),
        Row(sidecar.PairFile,           sidecar.FilePaired,       {NOTHING, *KNOWN},           SAME),
        Row(sidecar.FileSidecarDue,     sidecar.FileSidecarLate,  KNOWN,                       SAME),
        Row(manifest.AttestFile,        manifest.FileAttested,    {NOTHING, *KNOWN},           SAME),
        Row(None,                       facts.FileReportIgnored,  KNOWN,                       SAME),
    ],
)  # fmt: skip
