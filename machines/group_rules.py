"""Deciding on groups: what is expected, a member more, members excused, the due time, closed and opened by hand."""

from collections.abc import Callable
from typing import Any

from events import group as words
from events.base import Fact, Request
from events.types import WarningFinding
from machines.bitmap import bits_of, count, ranges_of
from machines.group_fold import fold
from machines.group_state import Group, GroupState
from machines.ruling import Ask

__all__ = ["GROUP_RULES"]

S = GroupState
Ruled = tuple[Fact, GroupState] | list[str]
_COUNTED: dict[str, Any] = {"counts": words.Counts(), "digest": "0" * 32}


def expect(group: Group, ask: Ask) -> Ruled:
    """What is expected replaces what was; more of it opens what was over."""
    request = ask.payload
    assert isinstance(request, words.ExpectGroup)
    reasons = _backwards(request.ranges)
    if request.by == "operator" and not ask.by_person:
        reasons.append("expect by an operator needs a reason")
    if reasons:
        return reasons
    told = [(each.first, each.last) for each in request.ranges]
    is_same = group.is_bounded and bits_of(told) == group.expected
    if is_same and request.sidecar_needed == group.sidecar_needed and request.due_at is None:
        return ["exactly these places are expected already; nothing to do"]
    fact = words.GroupExpected(**{**dict(request), **_COUNTED})
    return _counted(group, fact)


def member(group: Group, ask: Ask) -> Ruled:
    """One member more, or one that stands otherwise than before."""
    request = ask.payload
    assert isinstance(request, words.CountMember)
    against = _not_to_count(group, request)
    if against:
        return against
    expects = request.expected if not group.is_bounded else None
    place, is_expected = request.place, _is_expected(group, request.place, expects)
    was = group.status_of(place) if place is not None and request.role == "primary" else None
    fact = words.GroupMemberCounted(
        **{name: value for name, value in request if name != "expected"},
        **_COUNTED,
        was=was,
        is_expected=is_expected,
        expects=expects,
        warnings=tuple(_warnings(group, request, is_expected=is_expected)),
    )
    return _counted(group, fact)


def excuse(group: Group, ask: Ask) -> Ruled:
    """These need not come; what is there already stays counted as what it is."""
    request = ask.payload
    assert isinstance(request, words.ExcuseMembers)
    reasons = _backwards(request.ranges)
    if not ask.by_person:
        reasons.append("excuse needs a reason")
    if reasons:
        return reasons
    bits = bits_of((each.first, each.last) for each in request.ranges)
    if not bits & ~group.excused:
        reasons.append("these places are excused already; nothing to do")
    if group.is_bounded and not bits & group.expected:
        reasons.append("none of these places is expected")
    if reasons:
        return reasons
    return _counted(
        group, words.GroupExcused(kind=group.kind, **_COUNTED, ranges=request.ranges, code=request.code)
    )


def due(group: Group, ask: Ask) -> Ruled:
    """Complete but for sidecars: complete, with a warning. Else it stays open, or closes where policy says so."""
    request = ask.payload
    assert isinstance(request, words.GroupDue)
    if request.due_sequence != group.due_sequence:
        return [f"the deadline of sequence {request.due_sequence} is not current"]
    late = group.without_sidecar
    warnings = []
    if late:
        text = f"{count(late)} members have no sidecar at the due time; not waited for any longer"
        warnings.append(WarningFinding(code="SIDECAR_LATE", message=text, found=str(count(late)), wanted="0"))
    fact = words.GroupDuePassed(
        kind=group.kind,
        **_COUNTED,
        due_sequence=request.due_sequence,
        **_missing(group),
        warnings=tuple(warnings),
    )
    return _counted(group, fact)


def close(group: Group, ask: Ask) -> Ruled:
    """What is there is all there will be."""
    if not ask.by_person:
        return ["close needs a reason"]
    return _counted(group, words.GroupClosed(kind=group.kind, **_COUNTED, **_missing(group)))


def reopen(group: Group, ask: Ask) -> Ruled:
    """More may come."""
    if not ask.by_person:
        return ["reopen needs a reason"]
    return _counted(group, words.GroupReopened(kind=group.kind, **_COUNTED))


def note(group: Group, ask: Ask) -> Ruled:
    """A remark."""
    request = ask.payload
    assert isinstance(request, words.NoteGroup)
    return words.GroupNoted(text=request.text), group.state


def _counted(group: Group, fact: Any) -> Ruled:
    """The fact with the counts that follow from it, and where that leads."""
    after = group.copy()
    fold(after, fact.name, fact.wire(), 0)
    parents = words.Parents.model_validate(after.parents)
    told = {"counts": after.counts(), "digest": f"{after.digest:032x}", "parents": parents}
    return fact.model_copy(update=told), _end(group, after, fact)


def _end(group: Group, after: Group, fact: Fact) -> GroupState:
    if isinstance(fact, words.GroupReopened):
        return S.REOPENED
    if after.is_complete:
        return S.COMPLETE
    if isinstance(fact, words.GroupClosed):
        return S.CLOSED_SHORT if after.missing else S.COMPLETE
    if isinstance(fact, words.GroupDuePassed) and after.closes_when_due:
        return S.CLOSED_SHORT
    if group.state is S.CLOSED_SHORT:
        is_late = isinstance(fact, words.GroupMemberCounted) and fact.status in {"seen", "complete"}
        return S.REOPENED if is_late or isinstance(fact, words.GroupExpected) else S.CLOSED_SHORT
    return S.OPEN if group.state in {S.NOTHING, S.OPEN} else S.REOPENED


def _is_expected(group: Group, place: int | None, expects: int | None) -> bool:
    """Where nobody has said what belongs to the group, everything does that has a place."""
    if place is None:
        return False
    if group.is_bounded:
        return bool(group.expected >> place & 1)
    return expects is None or place < expects


def _backwards(ranges: tuple[words.Range, ...]) -> list[str]:
    return [
        f"found the places {each.first} to {each.last}, wanted the first not after the last"
        for each in ranges
        if each.last < each.first
    ]


def _missing(group: Group) -> dict[str, Any]:
    found = ranges_of(group.missing, words.RANGES_AT_MOST)
    ranges = tuple(words.Range(first=first, last=last) for first, last in found)
    return {"missing": count(group.missing), "missing_ranges": ranges}


def _not_to_count(group: Group, request: words.CountMember) -> list[str]:
    if group.state.is_known and request.kind != group.kind:
        return [f"found a member of a {request.kind}, wanted one of this {group.kind}"]
    if request.role == "sidecar":
        if request.status != "complete" or request.place is None:
            return ["a sidecar counts once it is complete, at the place of its primary"]
        if group.sidecars >> request.place & 1:
            return [f"the sidecar of place {request.place} is counted already; nothing to do"]
        return []
    was = group.status_of(request.place) if request.place is not None else group.stray(request.member)
    told: str = request.status
    if was is None:
        return []
    if told == "seen" != was:
        return [f"{request.member} is {was} already, more than seen; nothing to do"]
    return [f"{request.member} is counted as {was} already; nothing to do"] if told == was else []


def _warnings(group: Group, request: words.CountMember, *, is_expected: bool) -> list[WarningFinding]:
    found = []
    if not is_expected:
        where = "without a place" if request.place is None else f"at place {request.place}"
        told = f"{request.member} {where} is not among those expected; counted, not waited for"
        found.append(WarningFinding(code="UNEXPECTED_MEMBER", message=told))
    if request.expected is not None and group.is_bounded and request.expected != count(group.expected):
        told = f"{request.member} says that {request.expected} belong to the group"
        wanted = str(count(group.expected))
        found.append(
            WarningFinding(code="OTHER_EXPECTATION", message=told, found=str(request.expected), wanted=wanted)
        )
    if request.role == "sidecar" and group.is_due:
        told = f"the sidecar of place {request.place} came after the group was due"
        found.append(WarningFinding(code="SIDECAR_LATE", message=told))
    return found


GROUP_RULES: dict[type[Request], Callable[[Group, Ask], Ruled]] = {
    words.ExpectGroup: expect,
    words.CountMember: member,
    words.ExcuseMembers: excuse,
    words.GroupDue: due,
    words.CloseGroup: close,
    words.ReopenGroup: reopen,
    words.NoteGroup: note,
}
