"""The desk at which a night's announcements are written, and what is expected to come of each file."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from service.demo.announcement import Announcement, NightFile, Outcome, event_id, seen
from service.demo.streams import SENDERS

__all__ = ["COMPLETE", "Desk", "invalid"]

COMPLETE = Outcome("COMPLETE")


def invalid(code: str) -> Outcome:
    """INVALID, for this reason."""
    return Outcome("INVALID", code)


@dataclass
class Desk:
    """Gives each announcement the next second of the night and an id that the seed decides."""

    landing: Path
    seed: int
    night: date
    now: datetime
    files: list[NightFile] = field(default_factory=list)
    expected: dict[str, Outcome] = field(default_factory=dict)
    rivals: list[frozenset[str]] = field(default_factory=list)

    def announce(
        self, stream: str, path: Path, outcome: Outcome = COMPLETE, *, mishap: str | None = None
    ) -> Announcement:
        """Take the file into the night as it lies there now and tell the truth about it."""
        file = seen(stream, path, mishap)
        self.files.append(file)
        self.expected[file.subject] = outcome
        self.now += timedelta(seconds=1)
        return Announcement(
            stream=stream,
            sender=SENDERS[stream],
            uri=path.resolve().as_uri(),
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            sent_at=self.now,
            event_id=event_id(self.seed, stream, path.parent.name, path.name),
            mishap=mishap,
        )
