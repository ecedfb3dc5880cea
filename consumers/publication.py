"""What is published of an attempt: objects under frozen keys, manifest, provenance, announcement, DOI draft. Pure."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from events.ids import derived_id
from events.op_parts import Output

__all__ = ["Archived", "Publication", "encoded"]

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,200}")

Data = dict[str, Any]


def encoded(document: Data) -> bytes:
    """As it is archived: the same members make the same bytes."""
    return orjson.dumps(
        document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )


@dataclass(frozen=True, slots=True)
class Archived:
    """One product where it is to stay."""

    name: str
    role: str
    key: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication of one attempt. ``known``: what its facts say; ``program``, ``op``: what those of its OP say."""

    subject: str
    attempt: int
    known: Mapping[str, Any]
    program: Mapping[str, Any] = field(default_factory=dict)
    op: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    doi_prefix: str | None = None
    publisher: str = ""

    @property
    def number(self) -> int:
        """Which publication of the attempt."""
        return int(self.known.get("publication", 1))

    @property
    def outputs(self) -> Sequence[Output]:
        """The products, as they were handed in."""
        return [Output.model_validate(each) for each in self.known.get("outputs", ())]

    @property
    def folder(self) -> str:
        """Where everything of the attempt is kept; built from ids alone."""
        program = str(self.known.get("program", ""))
        return f"{self.prefix}{_step(self.subject)}/{_step(program)}/attempt-{self.attempt:04d}/"

    @property
    def is_embargoed(self) -> bool:
        """The public may not have it yet."""
        return bool((self.known.get("embargo") or {}).get("is_embargoed"))

    @property
    def identifier(self) -> str | None:
        """Its DOI, which follows from the attempt: asked twice it is the same."""
        if self.doi_prefix is None:
            return None
        name = re.sub(r"[^a-z0-9._-]", "-", self.subject.lower())
        return f"{self.doi_prefix}/{name}.{self.attempt}"

    def key_for(self, purpose: str) -> str:
        """The idempotency key of what is asked of the metadata store."""
        return derived_id(
            derived_id(self.subject, f"attempt {self.attempt} publication {self.number}"), purpose
        )

    def key_of(self, output: Output) -> str:
        """Frozen: other bytes under the same name have another key."""
        return f"{self.folder}{output.sha256[:16]}/{_step(output.name)}"

    def document_key(self, name: str, content: bytes) -> str:
        """Of a document; other content has another key."""
        return f"{self.folder}publication-{self.number:02d}/{name}-{hashlib.sha256(content).hexdigest()[:16]}.json"

    def provenance(self) -> Data:
        """From which data, by whom, with what, checked by whom."""
        return {
            **self._names(),
            "inputs": {"datasets": sorted(self.known.get("inputs", ())), "claimed": self.known.get("cover")},
            "software": self.known.get("software"),
            "commit": self.known.get("commit"),
            "by": {"name": self.known.get("claimant"), "orcid": self.known.get("orcid")},
            "reviewed": {"by": self.known.get("reviewer"), "note": self.known.get("note")},
            "verdict": self.program.get("verdict"),
            "outputs": [
                {"name": each.name, "sha256": each.sha256, "from": each.uri} for each in self.outputs
            ],
        }

    def manifest(self, archived: Sequence[Archived], *, bucket: str, provenance: Data) -> Data:
        """Everything that is published, with sums; ``provenance`` names the document beside it."""
        objects = [
            {
                "name": each.name,
                "role": each.role,
                "uri": f"s3://{bucket}/{each.key}",
                "size_bytes": each.size_bytes,
                "sha256": each.sha256,
            }
            for each in sorted(archived, key=lambda each: each.name)
        ]
        return {**self._names(), "objects": objects, "provenance": provenance}

    def announcement(self, *, replaces: str | None) -> Data:
        """What the metadata store is told; ``replaces`` is its own id of what is public now."""
        embargo = self.known.get("embargo") or {}
        packaged = self.known.get("package") or {}
        return {
            **self._names(),
            "identifier": self.identifier,
            "manifest": {"uri": packaged.get("manifest_uri"), "sha256": packaged.get("manifest_sha256")},
            "isEmbargoed": self.is_embargoed,
            "embargoEndDate": embargo.get("until"),
            "replaces": replaces,
        }

    def doi_draft(self) -> Data:
        """A draft as DataCite takes it: no event, so nothing is registered by it."""
        orcid = self.known.get("orcid")
        creator: Data = {"name": self.known.get("claimant")}
        if orcid:
            creator["nameIdentifiers"] = [
                {"nameIdentifier": f"https://orcid.org/{orcid}", "nameIdentifierScheme": "ORCID"}
            ]
        attributes = {
            "doi": self.identifier,
            "creators": [creator],
            "titles": [{"title": f"Inversion of {self.known.get('program')} of {self.subject}"}],
            "publisher": self.publisher,
            "publicationYear": int(str(self.known["since"])[:4]),
            "types": {"resourceTypeGeneral": "Dataset"},
            "version": str(self.number),
        }
        return {"data": {"type": "dois", "attributes": attributes}}

    def _names(self) -> Data:
        now = self.program.get("now") or {}
        return {
            "op": self.subject,
            "program": self.known.get("program"),
            "instrument": now.get("instrument"),
            "proposal": self.op.get("proposal"),
            "experiment": self.op.get("experiment"),
            "attempt": self.attempt,
            "publication": self.number,
            "since": self.known.get("since"),
        }


def _step(name: str) -> str:
    """A name as one step of a key; one that is none is replaced by its sum."""
    return name if _SAFE.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:32]
