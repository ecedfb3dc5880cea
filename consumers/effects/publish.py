"""Publishing, step by step: package, archive, announce, cite, and a last look; and taking a publication back."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from consumers.claims import WorkItem
from consumers.delivery import ArchiveDelivery, Delivery, Parcel
from consumers.effects.asking import Asks, report
from consumers.failures import Failed, Wait, from_source
from consumers.globus import GlobusDelivery
from consumers.homes import Home
from consumers.known_programs import WHOLE_OP, parts_of
from consumers.portal import Portal
from consumers.publication import Archived, Publication, encoded
from consumers.sources import open_source
from consumers.storage_errors import StorageError, Stored
from consumers.tools import Tools
from events import failpoints
from events.op_asks import ReportOpPublished, ReportOpStepDone, ReportOpWithdrawn
from events.op_parts import Output

__all__ = ["announce", "archive", "cite", "package", "publish", "unveil", "withdraw"]

_UNVEILED_AGAIN_S = 60.0


def package(item: WorkItem, tools: Tools) -> Asks:
    """The manifest and the provenance document, in the archive; the products are read once more for it."""
    home, made = _publication(item, tools)
    archived = []
    for output in made.outputs:
        with _opened(item, tools, home, output) as path:
            archived.append(
                Archived(output.name, output.role, made.key_of(output), path.stat().st_size, output.sha256)
            )
    provenance = _document(tools, home, made, "provenance", made.provenance())
    about = {"uri": _uri(provenance), "sha256": provenance.sha256}
    manifest = made.manifest(archived, bucket=_bucket(tools, home), provenance=about)
    stored = _document(tools, home, made, "manifest", manifest)
    failpoints.reach("publication.after_package")
    yield report(
        item,
        ReportOpStepDone(
            step="package",
            publication=made.number,
            objects=2,
            size_bytes=provenance.size_bytes + stored.size_bytes,
            manifest_uri=_uri(stored),
            manifest_sha256=stored.sha256,
        ),
    )


def archive(item: WorkItem, tools: Tools) -> Asks:
    """The products under their frozen keys, each verified where it goes; those that are there already are as good."""
    home, made = _publication(item, tools)
    places = [ArchiveDelivery(tools.storage, _bucket(tools, home)), *_partners(tools, home, made)]
    size_bytes = _delivered(item, tools, home, made, places)
    failpoints.reach("publication.after_archive")
    done = ReportOpStepDone(
        step="archive", publication=made.number, objects=len(made.outputs), size_bytes=size_bytes
    )
    yield report(item, done)


def announce(item: WorkItem, tools: Tools) -> Asks:
    """Tell the metadata store; what it shows of this program now is replaced in the same moment."""
    home, made = _publication(item, tools)
    former = made.known.get("replaces")
    replaces = _acknowledged(item, tools, int(former)) if former else None
    told = made.announcement(replaces=replaces)
    acknowledgement = _portal(home, tools).announce(told, key=made.key_for("announce"))
    failpoints.reach("publication.after_announce")
    done = ReportOpStepDone(
        step="announce",
        publication=made.number,
        acknowledgement=acknowledgement,
        identifier=made.identifier,
    )
    yield report(item, done)


def cite(item: WorkItem, tools: Tools) -> Asks:
    """The draft of a DOI, as a document in the archive."""
    home, made = _publication(item, tools)
    if made.identifier is None:
        because = "no DOI prefix is configured, so there is no draft"
        yield report(item, ReportOpStepDone(step="cite", publication=made.number, message=because))
        return
    stored = _document(tools, home, made, "datacite", made.doi_draft())
    failpoints.reach("publication.after_cite")
    done = ReportOpStepDone(
        step="cite",
        publication=made.number,
        identifier=made.identifier,
        objects=1,
        size_bytes=stored.size_bytes,
        message=f"draft at {_uri(stored)}",
    )
    yield report(item, done)


def publish(item: WorkItem, tools: Tools) -> Asks:
    """A last look whether all of it stands in the archive; then it is published."""
    home, made = _publication(item, tools)
    bucket = _bucket(tools, home)
    for output in made.outputs:
        head = tools.storage.head(bucket, made.key_of(output))
        found = "nothing" if head is None else f"sha256 {head.sha256}"
        if head is None or head.sha256 not in {None, output.sha256}:
            message = f"s3://{bucket}/{made.key_of(output)}: found {found}, wanted sha256 {output.sha256}"
            raise Failed("ARCHIVE_COPY_BAD", "data", message, found=found, wanted=output.sha256)
    acknowledgement = (made.known.get("announce") or {}).get("acknowledgement")
    uri = _portal(home, tools).uri_of(acknowledgement) if acknowledgement else None
    failpoints.reach("publication.before_published")
    yield report(item, ReportOpPublished(publication=made.number, portal_uri=uri))


def withdraw(item: WorkItem, tools: Tools) -> Asks:
    """The metadata store shows it no longer; everything is kept in the archive."""
    home, made = _publication(item, tools)
    acknowledgement = _acknowledgement(made.known)
    told = "it had never been announced"
    if acknowledgement is not None:
        why = {"reason": made.known.get("reason"), "replacement": made.known.get("replacement")}
        told = _portal(home, tools).withdraw(acknowledgement, why, key=made.key_for("withdraw"))
    yield report(item, ReportOpWithdrawn(publication=made.number, acknowledgement=told))


def unveil(item: WorkItem, tools: Tools) -> Asks:
    """Tell the metadata store whom it is for now, and partners get what was kept from them. Nothing is reported."""
    home, made = _publication(item, tools)
    acknowledgement = _acknowledgement(made.known)
    if acknowledgement is not None:
        embargo = made.known.get("embargo") or {}
        told = {"isEmbargoed": made.is_embargoed, "embargoEndDate": embargo.get("until")}
        try:
            _portal(home, tools).embargo(acknowledgement, told, key=item.report_id)
            _delivered(item, tools, home, made, _partners(tools, home, made))
        except Failed as failed:
            # What is public has no state to fail to: it is tried until what the message names has been mended.
            raise Wait(None, failed.code, failed.message, pause_s=_UNVEILED_AGAIN_S) from failed
    yield from ()


# --- pieces ---


def _publication(item: WorkItem, tools: Tools) -> tuple[Home, Publication]:
    home = tools.homes.now()
    part = item.payload["part"]
    with tools.engine.connect() as connection:
        known = parts_of(connection, [(item.subject, part)])[item.subject, part].known
        program = f"program:{known.get('program')}"
        others = parts_of(connection, [(item.subject, program), (item.subject, WHOLE_OP)])
    made = Publication(
        item.subject,
        item.attempt or 1,
        known,
        others[item.subject, program].known,
        others[item.subject, WHOLE_OP].known,
        home.programs.prefix,
        home.programs.doi_prefix,
        home.programs.publisher,
    )
    return home, made


@contextmanager
def _opened(item: WorkItem, tools: Tools, home: Home, output: Output) -> Iterator[Path]:
    """The product as it was verified; other bytes by now are a failure that a person looks at."""
    opened = open_source(output.uri, home.programs.output_roots, tools.staging_dir, storage=tools.storage)
    with ExitStack() as stack:
        try:
            path = stack.enter_context(opened)
        except StorageError as error:
            raise from_source(error, item.stream) from error
        with path.open("rb") as source:
            found = hashlib.file_digest(source, "sha256").hexdigest()
        if found != output.sha256:
            told = f"found sha256 {found}, wanted {output.sha256}"
            message = f"{output.uri} has changed since it was verified: {told}"
            raise Failed("OUTPUT_CHANGED", "data", message, found=found, wanted=output.sha256)
        yield path


def _document(tools: Tools, home: Home, made: Publication, name: str, document: dict[str, Any]) -> Stored:
    content = encoded(document)
    tools.staging_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="document-", dir=tools.staging_dir) as folder:
        path = Path(folder) / f"{name}.json"
        path.write_bytes(content)
        return tools.storage.put_file(
            path,
            bucket=_bucket(tools, home),
            key=made.document_key(name, content),
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            metadata={"op": made.subject, "attempt": str(made.attempt)},
        )


def _acknowledged(item: WorkItem, tools: Tools, attempt: int) -> str | None:
    """The metadata store's own id of another attempt's publication."""
    part = f"attempt:{attempt}"
    with tools.engine.connect() as connection:
        return _acknowledgement(parts_of(connection, [(item.subject, part)])[item.subject, part].known)


def _acknowledgement(known: Any) -> str | None:
    found: str | None = (known.get("announce") or {}).get("acknowledgement")
    return found


def _delivered(
    item: WorkItem, tools: Tools, home: Home, made: Publication, places: Sequence[Delivery]
) -> int:
    """Every product stands at each of these places; how many bytes they are."""
    size_bytes = 0
    for output in made.outputs if places else ():
        with _opened(item, tools, home, output) as path:
            labels = {"op": item.subject, "attempt": str(made.attempt)}
            size = path.stat().st_size
            parcel = Parcel(output.uri, path, made.key_of(output), output.sha256, size, labels)
            for place in places:
                place.deliver(parcel)
        size_bytes += size
    return size_bytes


def _partners(tools: Tools, home: Home, made: Publication) -> list[Delivery]:
    """Who gets the products beside the archive now: under embargo nobody but whoever may see them already."""
    wanted = home.programs.globus
    if wanted is None or (made.is_embargoed and not wanted.embargoed):
        return []
    if tools.globus is None:
        message = (
            "no application of this site is registered with Globus (MERIDIAN_GLOBUS_CLIENT_ID and _SECRET)"
        )
        raise Failed("GLOBUS_UNSET", "data", f"{message}; name one, then recover")
    return [GlobusDelivery(tools.globus, wanted)]


def _portal(home: Home, tools: Tools) -> Portal:
    if home.programs.portal is None:
        message = "no metadata store is configured (programs.portal); name one, then recover"
        raise Failed("PORTAL_UNSET", "data", message)
    return tools.portal(home.programs.portal)


def _bucket(tools: Tools, home: Home) -> str:
    return home.programs.bucket or tools.bucket


def _uri(stored: Stored) -> str:
    return f"s3://{stored.bucket}/{stored.key}"
