"""A figure counts only if what was measured is right: every run ends with an audit, whose counters have to be zero."""

import os
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from service.audit import Findings, Offender
from service.audit.audit import audit_site
from service.wiring import Wiring

__all__ = ["audited", "is_clean"]


def audited(
    wiring: Wiring, *, site: str | None = None, without: Collection[str] = (), effects: bool = False
) -> dict[str, Any]:
    """The counters after an audit of ``site``. That those of ``without`` have read nothing is not counted as stuck.

    Those are the readers of the ledger that the bench has not run: the audit finds them where they never began.
    """
    settings = wiring.settings.model_copy(update={"site": site or wiring.settings.site})
    before = _cpu_s()
    findings = audit_site(
        replace(wiring, settings=settings), settle_s=30.0 if effects else 0.0, effects=effects
    )
    records, cpu_s = findings.numbers.get("records", 0), _cpu_s() - before
    excused = [each for each in findings.counters["stuck"].offenders if _never_began(each, without)]
    counters = {name: each.found for name, each in findings.counters.items()}
    counters["stuck"] -= len(excused)
    return {
        "site": settings.site,
        "counters": counters,
        "looked_at": _looked(findings),
        "records": records,
        "seconds": round(findings.seconds, 3),
        "partitions_s": findings.numbers.get("partitions_ms", 0) / 1000,
        "cpu_us": round(cpu_s / max(1, records) * 1_000_000, 1),
        "rss_mb": findings.numbers.get("rss_mb", 0),
        "rss_all_mb": findings.numbers.get("rss_all_mb", 0),
        "not_run": sorted(without),
        "offenders": [repr(each) for each in _offenders(findings) if each not in excused],
    }


def _cpu_s() -> float:
    """Processor time of this process and of those that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def is_clean(audits: Collection[dict[str, Any]]) -> bool:
    """All counters of all of them are zero."""
    return not any(count for audit in audits for count in audit["counters"].values())


def _never_began(offender: Offender, without: Collection[str]) -> bool:
    return offender.found in {f"{name} stands at 0" for name in without}


def _looked(findings: Findings) -> dict[str, int]:
    return {name: each.n for name, each in findings.counters.items()}


def _offenders(findings: Findings) -> list[Offender]:
    return [offender for each in findings.counters.values() for offender in each.offenders]
