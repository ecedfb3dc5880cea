"""An answer to ``why`` in a few lines for people."""

from service.helping import NOBODY, help_lines
from service.why import Why
from service.wording import ago, human_time

__all__ = ["lines_of"]


def lines_of(answer: Why) -> list[str]:
    """The answer in a few lines for people."""
    version = f" (version {answer.version}, attempt {answer.attempt})" if answer.version else ""
    since = f" since {human_time(answer.since_at)}" if answer.since_at else ""
    if answer.since_at and answer.at:
        since += f", {ago(answer.since_at, answer.at)}"
    lines = [f"{answer.subject}: {answer.state}{since}{version}", f"  because {answer.because}"]
    if not _says_both(answer):
        lines.append(f"  found {answer.found or 'nothing'}; wanted {answer.wanted or 'something else'}")
    if answer.meaning:
        lines.append(f"  {answer.code}: {answer.meaning.says} Likely cause: {answer.meaning.cause}")
        lines.append(f"  remedy: {answer.meaning.remedy}")
    if answer.first_cause:
        lines.append(f"  it began with {answer.first_cause}")
    lines += [f"  {each}" for each in answer.evidence]
    if answer.again_at:
        lines.append(f"  goes on by itself at {human_time(answer.again_at)}")
    lines.append(f"  {answer.who} has to act" if answer.who != NOBODY else "  nobody has to act")
    return [*lines, *help_lines(answer.help)]


def _says_both(answer: Why) -> bool:
    """Whether the sentence has found and wanted in it already, or there are none."""
    return all(value is None or value in answer.because for value in (answer.found, answer.wanted))
