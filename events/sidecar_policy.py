"""How a stream's files come with companions: whose each one is, and how long it may take. Part of its configuration."""

import re
from typing import Self

from pydantic import Field, model_validator

from events.types import Name, Part, Pattern

__all__ = ["SidecarPolicy"]

_NAME_CHARACTERS = 255
_FIELD = re.compile(r"\{([a-z_]+)\}")


class SidecarPolicy(Part):
    """One that is late is a warning, and is not waited for."""

    needed: bool = True
    due_after_s: float = Field(
        600.0,
        gt=0,
        le=30 * 86_400,
        description="after the file was announced, and for groups after a manifest that says no time",
    )
    pattern: Pattern | None = Field(
        None, description="sidecars that belong to a file, by their names without extension; None: all do"
    )
    primaries: tuple[Name, ...] = Field(
        ("{name}",),
        min_length=1,
        max_length=16,
        description="logical names of the files that a sidecar belongs to; {name} is its own without the extension, "
        "named groups of the pattern are fields too",
    )

    @model_validator(mode="after")
    def _knows_its_fields(self) -> Self:
        known = {"name", *(re.compile(self.pattern).groupindex if self.pattern else ())}
        used = {name for template in self.primaries for name in _FIELD.findall(template)}
        if used - known:
            unknown, fields = min(used - known), ", ".join(sorted(known))
            raise ValueError(f"primaries: found the field {{{unknown}}}, wanted one of {fields}")
        return self

    def primaries_of(self, name: str) -> tuple[str, ...] | None:
        """Whose sidecar the one of this name (without its extension) is; None: nobody's."""
        if not self.needed:
            return None
        found = re.fullmatch(self.pattern, name) if self.pattern else None
        if self.pattern and found is None:
            return None
        fields = {"name": name, **(found.groupdict(default="") if found else {})}
        named = (_FIELD.sub(lambda field: fields[field[1]], template) for template in self.primaries)
        return tuple(each for each in dict.fromkeys(named) if 0 < len(each) <= _NAME_CHARACTERS) or None
