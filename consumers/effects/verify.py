"""Verify: a worker looks at what was handed in; it counts only if everything holds."""

from contextlib import AbstractContextManager
from pathlib import Path

from consumers.claims import WorkItem
from consumers.effects.asking import Asks, report
from consumers.failures import Failed, from_source
from consumers.hand_ins import Looked, commit_found, look
from consumers.homes import Home
from consumers.known_programs import KnownPart, datasets_of, names_of, part_of
from consumers.sources import open_source
from consumers.storage_errors import StorageError
from consumers.tools import Tools
from events.op_asks import LEASE_AT_LEAST_S, ReportOpHandInRefused, ReportOpInverted
from events.op_parts import Cover, Output, Software

__all__ = ["verify"]

_REASONS_AT_MOST = 64
_REASON = 2000


def verify(item: WorkItem, tools: Tools) -> Asks:
    """Report ``inverted``, or ``hand_in_refused`` with every reason. Raises Wait and Failed."""
    home = tools.homes.now()
    with tools.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        known = part_of(connection, item.subject, item.payload["part"])
        program = known.known["program"]
        names = names_of(connection, item.subject, program)
        datasets = datasets_of(connection, [(item.subject, program)])[item.subject, program]
    if not home.programs.output_roots:
        message = "no place is configured under which outputs may lie (programs.output_roots); name one, then recover"
        raise Failed("OUTPUT_ROOTS_UNSET", "data", message)
    software = Software.model_validate(known.known["software"])
    looked = _looked(item, tools, home, known, names)
    commit = commit_found(software, home.programs.repositories)
    reasons = looked.reasons if commit.found is not False else (*looked.reasons, f"commit: {commit.message}")
    if reasons:
        yield report(item, _refusal(reasons, known, tools, home))
        return
    yield report(
        item,
        ReportOpInverted(
            round=known.known.get("round"),
            outputs_verified=looked.outputs,
            size_bytes=looked.size_bytes,
            inputs_cover=Cover.of((each.dataset.dataset, each.dataset.digest) for each in datasets),
            commit="found" if commit.found else "unverified",
            commit_message=commit.message,
        ),
    )


def _looked(item: WorkItem, tools: Tools, home: Home, known: KnownPart, names: set[str]) -> Looked:
    """Datasets that are gone by now count too: the attempt may have been claimed with them."""

    def opened(uri: str) -> AbstractContextManager[Path]:
        return open_source(uri, home.programs.output_roots, tools.staging_dir, storage=tools.storage)

    outputs = [Output.model_validate(each) for each in known.known.get("outputs", ())]
    software = Software.model_validate(known.known["software"])
    try:
        return look(outputs, known.known.get("inputs", ()), software, names, opened)
    except StorageError as error:
        raise from_source(error, item.stream) from error


def _refusal(reasons: tuple[str, ...], known: KnownPart, tools: Tools, home: Home) -> ReportOpHandInRefused:
    return ReportOpHandInRefused(
        round=known.known.get("round"),
        reasons=tuple(each[:_REASON] for each in reasons[:_REASONS_AT_MOST]),
        left_out=max(0, len(reasons) - _REASONS_AT_MOST),
        lease_from=tools.clock(),
        lease_s=max(LEASE_AT_LEAST_S, int(home.programs.lease_days * 24 * 3600)),
    )
