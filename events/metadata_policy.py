"""What a file's purpose asks of its metadata, and who says which program it belongs to; configuration of a stream."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from events.types import Name, Part, Pattern, UtcTime

__all__ = ["Cadence", "ForPurpose", "MetadataPolicy", "ProgramRule", "ProgramService", "Purpose"]

Purpose = Literal["science", "calibration", "engineering", "test"]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Cadence(Part):
    """How often a file should come while the stream is Enabled; a longer gap is noticed as a silence."""

    every_s: float = Field(gt=0, le=30 * 86_400, description="at least one in each span of so long")
    between: tuple[TimeOfDay, TimeOfDay] | None = Field(
        None, description="only then is it expected, UTC, such as 04:00 and 16:00; it may go over midnight"
    )


class ForPurpose(Part):
    """What holds for files of one purpose."""

    program: Literal["required", "optional"] = Field(
        "optional", description="required: a file that nobody can tell the program of has a warning"
    )
    embargo_hours: float | None = Field(
        None, gt=0, le=24 * 3653, description="from the begin of the observation; None: public at once"
    )
    cadence: Cadence | None = Field(None, description="None: files may come as they like")


class ProgramRule(Part):
    """Files whose metadata match all of these patterns belong to ``program``; the first rule that matches counts.

    ``match`` names metadata (``instrument``, ``target``, or a keyword as the file has it) with a regular expression
    for the whole value. A rule with times is for observations that begin then.
    """

    name: Name
    program: Name
    match: dict[Name, Pattern] = Field(default_factory=dict, max_length=20)
    since: UtcTime | None = None
    until: UtcTime | None = None


class ProgramService(Part):
    """An outside service that knows the programs: asked for what neither the file nor a rule can tell.

    It is sent ``POST url {"keys": [{…}, …]}`` with the named metadata of several files at once, and answers
    ``{"programs": [… or null, …]}`` in their order.
    """

    name: Name
    url: str = Field(pattern=r"^https?://[^\s]+$", max_length=2048)
    keys: tuple[Name, ...] = Field(("instrument", "obs_start_utc"), min_length=1, max_length=10)
    timeout_s: float = Field(2.0, gt=0, le=30, description="for all of an answer, however it drips")
    kept_s: float = Field(3600.0, ge=0, description="an answer counts for so long")


class MetadataPolicy(Part):
    """Nobody has to say anything: then nothing is required, nothing under embargo, and no service asked."""

    by_purpose: dict[Purpose, ForPurpose] = Field(default_factory=dict)
    program_rules: tuple[ProgramRule, ...] = Field((), max_length=500)
    program_service: ProgramService | None = None
