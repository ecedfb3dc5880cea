"""What went wrong, in parts: found, wanted, what would help; one sentence for people, one JSON object for programs."""

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["Trouble"]

# How messages are built here: "place: found A, wanted B; what would help", wanted first, or wanted alone.
_FORMS = (
    re.compile(r"\bfound (?P<found>.+?)[,;] wanted (?P<wanted>[^;]+)(?:; (?P<help>.+))?$"),
    re.compile(r"\bwanted (?P<wanted>.+?), found (?P<found>[^;]+)(?:; (?P<help>.+))?$"),
    re.compile(r"^(?P<found>.+?)[:;,] wanted (?P<wanted>[^;]+)(?:; (?P<help>.+))?$"),
    re.compile(r"^(?P<found>[^;]+)(?:; (?P<help>.+))?$"),
)

# What is wanted where a message does not say it, because there it goes without saying.
_WANTED = {
    "ABORTED": "an answer with yes, or --yes",
    "ATTENTION": "nothing that needs a person",
    "DISK_FULL": "room to write",
    "FAULT": "no such thing: it is not your mistake",
    "IN_DOUBT": "an outcome in time",
    "KAFKA_UNREACHABLE": "a Kafka that answers",
    "POSTGRESQL_REFUSED": "a PostgreSQL that does it",
    "POSTGRESQL_UNREACHABLE": "a PostgreSQL that answers",
    "REFUSED": "what the subject's state allows",
    "STACK": "servers and roles that run",
    "STORAGE_UNAVAILABLE": "an S3 store that answers",
    "UNREACHABLE": "a site that runs",
    "WRONG_FILE": "a file that can be used",
    "WRONG_USE": "what the command takes",
    "WRONG_VERSION": "tables of this version",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """``code`` is one that ``meridian codes`` explains; ``exit_code`` is how the command ends."""

    code: str
    exit_code: int
    message: str
    help: str | None = None
    """The way out, where the message does not name one."""

    def members(self) -> dict[str, Any]:
        """For programs. What the message does not say is what the table of codes says."""
        from events.codes import explained

        parts = [_parts(line) for line in self.message.splitlines() or [""]]
        known = explained(self.code, "command")
        told = {name: _joined([each.get(name) for each in parts]) for name in ("found", "wanted", "help")}
        return {
            "event": "error",
            "code": self.code,
            "exit_code": self.exit_code,
            "message": self.message,
            **told,
            "wanted": told["wanted"] or _WANTED.get(self.code, "a site that can go on"),
            "help": told["help"] or self.help or (known.remedy if known else None),
        }


def _parts(line: str) -> dict[str, str | None]:
    found = next((match for form in _FORMS if (match := form.search(line))), None)
    return found.groupdict() if found else {"found": line}


def _joined(parts: list[str | None]) -> str | None:
    return "\n".join(part for part in parts if part) or None
