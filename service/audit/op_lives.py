"""Lifecycles of observing programs and of groups, written out once more: fact, from where, to where."""

__all__ = ["LIVES"]

_EARLY = "Discovered,Invertible,Not Invertible,Preprocessed"
_DONE = "Inverted,Published,Error"
_LATER = f"Working,{_DONE}"
_ANY = f"{_EARLY},{_LATER}"
_UNDECIDED = f"Discovered,Invertible,Preprocessed,{_LATER}"
_UNPUBLISHED = f"{_EARLY},Working,Inverted,Error"
_GROUP = "Open,Complete,Closed short,Reopened"

_TABLE = f"""
op.discovered         | -,Discovered            | Discovered
op.datasets_changed   | Discovered              | Discovered,Not Invertible
op.datasets_changed   | Not Invertible          | Discovered,Not Invertible
op.datasets_changed   | Invertible              | Discovered,Invertible,Not Invertible
op.datasets_changed   | Preprocessed            | {_EARLY}
op.datasets_changed   | {_LATER}                | =
op.metadata_changed   | {_ANY}                  | =
op.ready_awaited      | {_UNDECIDED}            | =
op.ready_kept         | -                       | Discovered
op.ready_kept         | {_ANY}                  | =
op.readiness_closed   | {_UNDECIDED}            | =
op.judged             | Discovered              | Discovered,Invertible,Not Invertible
op.judged             | Invertible,Preprocessed | =
op.judged             | {_LATER}                | =
op.requalified        | Discovered              | =
op.requalified        | Not Invertible          | Discovered
op.requalified        | Invertible              | Invertible,Discovered
op.requalified        | Preprocessed            | Preprocessed,Invertible,Discovered
op.requalified        | {_LATER}                | =
op.preprocessed       | Invertible,Preprocessed | Preprocessed
op.preprocessed       | {_LATER}                | =
op.not_needed         | Invertible,Preprocessed | Preprocessed
op.not_needed         | {_LATER}                | =
op.unstaging          | {_ANY}                  | =
op.unstaged           | {_ANY}                  | =
op.claimed            | Preprocessed            | Working
op.claimed            | {_LATER}                | =
op.extended           | {_LATER}                | =
op.handed_over        | {_LATER}                | =
op.lease_warned       | {_LATER}                | =
op.released           | Working                 | {_EARLY},Working
op.released           | Inverted,Published      | =
op.released           | Error                   | {_UNPUBLISHED}
op.handed_in          | {_EARLY}                | Working
op.handed_in          | {_LATER}                | =
op.hand_in_refused    | {_LATER}                | =
op.inverted           | Working                 | Inverted
op.inverted           | {_DONE}                 | =
op.accepted           | {_DONE}                 | =
op.rework_asked       | Inverted                | Inverted,Working
op.rework_asked       | Published,Error         | =
op.rejected           | Inverted                | {_EARLY},Working,Inverted
op.rejected           | Published,Error         | =
op.publishing         | {_DONE}                 | =
op.step_done          | {_DONE}                 | =
op.published          | {_DONE}                 | Published
op.withdrawing        | Inverted,Published      | =
op.withdrawing        | Error                   | Error,Inverted
op.withdrawn          | Published               | {_DONE}
op.withdrawn          | Inverted,Error          | =
op.embargoed          | Published               | =
op.embargo_lifted     | Published               | =
op.failed             | {_UNPUBLISHED}          | Error
op.failed             | Published               | =
op.recovered          | Error                   | {_UNPUBLISHED}
op.recovered          | Published               | =
op.prioritised        | {_ANY}                  | =
op.assigned           | {_ANY}                  | =
op.overdue            | {_ANY}                  | =
op.held               | {_ANY}                  | =
op.unheld             | {_ANY}                  | =
op.noted              | {_ANY}                  | =
op.report_ignored     | {_ANY}                  | =
group.expected        | -                       | Open
group.expected        | Open                    | Open,Complete
group.expected        | Complete,Closed short   | Complete,Reopened
group.expected        | Reopened                | Complete,Reopened
group.member_counted  | -,Open                  | Open,Complete
group.member_counted  | Complete,Reopened       | Complete,Reopened
group.member_counted  | Closed short            | Complete,Closed short,Reopened
group.excused         | Open                    | Open,Complete
group.excused         | Reopened                | Complete,Reopened
group.excused         | Closed short            | Complete,Closed short
group.due_passed      | Open                    | Open,Complete,Closed short
group.due_passed      | Reopened                | Reopened,Complete,Closed short
group.closed          | Open,Reopened           | Complete,Closed short
group.reopened        | Complete,Closed short   | Reopened
group.noted           | {_GROUP}                | =
"""


def _written() -> dict[str, set[tuple[str | None, str | None]]]:
    found: dict[str, set[tuple[str | None, str | None]]] = {}
    for line in _TABLE.strip().splitlines():
        fact, sources, ends = (cell.strip() for cell in line.split("|"))
        for source in sources.split(","):
            for end in [source] if ends == "=" else ends.split(","):
                found.setdefault(fact, set()).add((None if source == "-" else source, end))
    return found


LIVES = _written()
"""By fact: each pair of states that it may lead between."""
