"""Which effects there are, and their lanes: within one, items of a subject are worked on in order."""

from collections.abc import Mapping

__all__ = ["LANES", "PROGRAM_LANES", "STEP_LANES"]

_FILES = {
    "ingest": "steps",
    "transfer": "steps",
    "register": "steps",
    "remove": "removals",
    "answer": "answers",
    "follow": "follow-ups",
    "inbox": "topics",
    "member": "members",
    "pair": "pairs",
    "attest": "lists",
    "datasets": "datasets",
    "policies": "policies",
    "preview": "previews",
}

PROGRAM_LANES: Mapping[str, str] = {
    "readiness": "readiness",
    "qualify": "verdicts",
    "preprocess": "staging",
    "unstage": "staged inputs that go",
    "verify": "hand-ins",
    "package": "publishing",
    "archive": "publishing",
    "announce": "publishing",
    "cite": "publishing",
    "publish": "publishing",
    "withdraw": "publishing",
    "unveil": "portal",
    "embargo": "embargoes",
}
"""Of effects on observing programs. They are nobody's stream, so no stream's state holds them up."""

LANES: Mapping[str, str] = {**_FILES, **PROGRAM_LANES}
"""The lane of each effect. Only the first unfinished item of a subject *in its lane* may be claimed, so that an answer
never waits for a copy."""

STEP_LANES = frozenset({"steps", "verdicts", "staging", "hand-ins", "publishing"})
"""Lanes of what a state waits for: a refused report has one more try, to say so. Elsewhere a refusal is an answer."""
