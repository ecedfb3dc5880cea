"""The observing programs of the demo in words: each step of the one, and why the other one is not inverted."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from service.demo.programs import Programs
from service.op_why_text import lines_of
from service.wording import counted

__all__ = ["members_of_programs", "story_of"]

Data = Mapping[str, Any]


def story_of(programs: Programs) -> Iterator[str]:
    """The lines."""
    yield f"An observing program, from a catalogue to its publication: {programs.published}"
    facts = [each for each in programs.history if not each["is_refusal"]]
    begun: datetime | None = facts[0]["time"] if facts else None
    for each in facts:
        words = _WORDS.get(each["type"])
        if words is not None and begun is not None:
            after = (each["time"] - begun).total_seconds()
            yield f"  {after:5.1f} s  {each['tostate']:14}  {words(each['data'], each['actor'])}"
    if programs.shown:
        yield f"  the metadata store shows it as {programs.shown.get('identifier')}, with its manifest at"
        yield f"  {(programs.shown.get('manifest') or {}).get('uri')}"
    if programs.refused is not None:
        yield ""
        yield "Another one can't be inverted, and says by how much:"
        yield from (f"  {line}" for line in lines_of(programs.refused))


def members_of_programs(programs: Programs) -> dict[str, Any]:
    """The same for programs that read it."""
    steps = [{name: each[name] for name in ("type", "tostate", "time", "actor")} for each in programs.history]
    return {
        "published": programs.published,
        "steps": steps,
        "shown": programs.shown,
        "refused": programs.refused,
    }


def _discovered(data: Data, _actor: str) -> str:
    datasets = data.get("datasets") or ()
    frames = sum(each.get("frames") or 0 for each in datasets)
    return f"a scan finds it in a catalogue: {counted(len(datasets), 'dataset')}, {counted(frames, 'frame')}"


def _awaited(data: Data, _actor: str) -> str:
    return (
        f"more of it may come: {data['policy']} v{data['policy_version']} waits until {data['due_at'][:16]}"
    )


def _closed(data: Data, actor: str) -> str:
    how = {"operator": f"{actor} says so", "quiet_period": "nothing has come for long enough"}
    return f"all of its data is there: {how.get(data['by'], data['by'])}"


def _judged(data: Data, _actor: str) -> str:
    verdict = data["verdict"]
    required = {each["name"] for each in verdict["findings"] if each["required"]}
    failed = data.get("failed") or ()
    by = f"{verdict['criteria']} v{verdict['criteria_version']}"
    if failed:
        return f"{by}: {len(failed)} of {len(required)} required criteria are not met: {', '.join(failed)}"
    return f"{by}: all {len(required)} required criteria are met"


def _staged(data: Data, _actor: str) -> str:
    return f"{counted(data['files'], 'file')} copied to a work area and verified, {data['size_bytes']} bytes"


def _claimed(data: Data, _actor: str) -> str:
    return f"{data['claimant']} claims it until {data['lease_until'][:10]}, number {data.get('rank')} in the queue"


def _handed_in(data: Data, actor: str) -> str:
    software = data["software"]
    made_by = f"{software['repository']} at {software['commit']}"
    return f"{actor} hands in {counted(len(data['outputs']), 'product')} made by {made_by}"


def _inverted(data: Data, _actor: str) -> str:
    return f"a worker has read it: sums and inputs are as said, {data['size_bytes']} bytes, commit {data['commit']}"


def _accepted(data: Data, _actor: str) -> str:
    return f"{data['reviewer']} accepts it: {data['note']}"


def _step(data: Data, _actor: str) -> str:
    steps = {
        "package": "manifest and provenance document are written",
        "archive": f"{counted(data.get('objects') or 0, 'product')} in the archive, verified there",
        "announce": f"the metadata store has acknowledged it: {data.get('acknowledgement')}",
        "cite": f"the draft of a DOI is made: {data.get('identifier')}",
    }
    return steps.get(str(data["step"]), str(data["step"]))


_WORDS: dict[str, Callable[[Data, str], str]] = {
    "op.discovered": _discovered,
    "op.ready_awaited": _awaited,
    "op.readiness_closed": _closed,
    "op.judged": _judged,
    "op.preprocessed": _staged,
    "op.claimed": _claimed,
    "op.handed_in": _handed_in,
    "op.inverted": _inverted,
    "op.accepted": _accepted,
    "op.publishing": lambda _data, actor: f"{actor} asks for its publication, which goes step by step",
    "op.step_done": _step,
    "op.published": lambda data, _actor: f"everything stands: published as {data.get('identifier')}",
    "op.failed": lambda data, _actor: f"{data['step']} failed with {data['code']}: {data['message']}",
}
"""What a newcomer reads of each fact; of others the command that shows all of them tells."""
