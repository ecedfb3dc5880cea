"""What is expected of a file before it is read, and what a format made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from consumers.formats.metadata import Metadata

if TYPE_CHECKING:
    from consumers.checks.judging import Judging

__all__ = ["Content", "Expected"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the notification and the stream say of a file.

    ``stream_checks`` names advisory checks that are critical for this stream: failed, they make the file INVALID.
    ``identity_rule`` is ``koaid``, ``rubin``, ``name`` (the file's name without its extension), ``keyword:NAME`` (for
    ASDF a dotted name such as ``keyword:roman.meta.observation.visit_id``), or None where the stream has no identities.
    ``judging`` says how the results of the checks are judged. ``settings`` is what the stream sets for its format:
    ``duplicate_keyword`` (``invalid`` or ``warn``), and what the format's module documents. ``md5``: it is wanted too.
    ``sums_from``: of a list of sums only a part is wanted, which begins with this one, counted from 0.
    """

    name: str
    size_bytes: int | None = None
    sha256: str | None = None
    stream_checks: tuple[str, ...] = ()
    identity_rule: str | None = None
    judging: "Judging | None" = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    md5: bool = False
    sums_from: int | None = None

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """As JSON holds it."""
        from consumers.checks.judging import Judging

        judging = None if plain["judging"] is None else Judging.from_plain(plain["judging"])
        return cls(**{**plain, "stream_checks": tuple(plain["stream_checks"]), "judging": judging})


@dataclass(frozen=True, slots=True)
class Content:
    """What a format made of a file: the metadata, and every value an identity rule may ask for.

    ``sums``: of a manifest, by the names of the files that it lists.
    """

    metadata: Metadata
    values: Mapping[str, object] = field(default_factory=dict)
    sums: Mapping[str, str] | None = None
