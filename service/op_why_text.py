"""An answer to ``op why`` in lines for people."""

from collections.abc import Iterator
from datetime import datetime

from service.helping import NOBODY, help_lines
from service.op_why import OpWhy
from service.op_why_parts import Finding, Stand
from service.wording import ago, human_time

__all__ = ["lines_of"]


def lines_of(answer: OpWhy) -> list[str]:
    """The whole answer; parts one after the other, what could be done at the end."""
    if answer.state is None:
        lines = [f"{answer.subject}: not known", f"  because {answer.because}"]
        lines += [f"  did you mean {', '.join(answer.close)}"] if answer.close else []
    else:
        lines = [f"{answer.subject}: {answer.state}{_since(answer.since_at, answer.at)}"]
        lines.append(f"  because {answer.because}")
        lines += [f"  {each}" for each in answer.evidence]
        lines += [line for each in answer.stands for line in _stand(each, answer)]
        lines.append(f"  {_acts(answer.who)}")
    return [*lines, *help_lines(answer.help)]


def _stand(stand: Stand, answer: OpWhy) -> Iterator[str]:
    instrument = f" ({stand.instrument})" if stand.instrument else ""
    yield f"  {stand.part}{instrument}: {stand.state}{_since(stand.since_at, answer.at)}"
    yield f"    because {stand.because}"
    for finding in stand.failed:
        yield from _finding(finding)
    yield from (f"    {each}" for each in stand.evidence)
    if stand.again_at:
        yield f"    goes on by itself at {human_time(stand.again_at)}"
    if stand.who not in {NOBODY, answer.who}:  # what holds for all is said once, below
        yield f"    {_acts(stand.who)}"


def _finding(finding: Finding) -> Iterator[str]:
    yield f"    {finding.numbers}{'' if finding.required else ' (recorded only)'}"
    by = f" (wanted by {finding.wanted_by})" if finding.wanted_by else ""
    yield f"      {finding.change}{by}"


def _since(since: datetime | None, at: datetime | None) -> str:
    if since is None:
        return ""
    return f" since {human_time(since)}{f', {ago(since, at)}' if at else ''}"


def _acts(who: str) -> str:
    return f"{who} {'have' if ', ' in who else 'has'} to act"
