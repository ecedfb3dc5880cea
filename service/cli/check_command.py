"""``meridian check``: all checks of a stream on a file or a folder, without ledger and without servers."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import ToldError, WrongUseError
from service.cli.output import Column
from service.cli.session import Session, session_of
from service.wording import counted

if TYPE_CHECKING:
    from consumers.check import Checked
    from events.stream import StreamConfiguration

__all__ = ["check"]

CHECKED = (
    Column("path"), Column("result"), Column("code"), Column("size_bytes", is_number=True),
    Column("wall_s", "seconds", is_number=True), Column("warned", "warnings", is_text=True),
    Column("message", is_text=True),
)  # fmt: skip


def check(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="a file, or a folder of them")],
    stream: Annotated[
        str | None, typer.Option(help="by this stream's configuration, as it is in force")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option(help="by the configuration in this file; asks no server")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="by a format alone, such as keck-raw-fits")
    ] = None,
) -> None:
    """Run all checks on files as Meridian would, each in a limited child; exit 1 where one would not be taken."""
    from consumers.check import check as checks
    from consumers.check import files_under
    from consumers.checks import Judging
    from consumers.checks.rules import judging_of
    from consumers.child_limits import Limits
    from consumers.formats import FORMATS, Expected
    from events.clock import now
    from events.types import format_time

    session = session_of(context)
    if not path.exists():
        raise WrongUseError(f"{path}: found no such file or folder; check the name")
    rule = _configuration(session, stream, config_file)
    wanted = form or (rule.format if rule else None)
    if wanted is None or wanted not in FORMATS:
        raise WrongUseError(
            f"found the format {wanted}, wanted --stream, --config-file or --format of {', '.join(FORMATS)}"
        )
    names = rule.formats if rule and not form else ()
    expected = Expected(
        "",
        stream_checks=rule.checks if rule else (),
        identity_rule=rule.identity if rule else None,
        judging=judging_of(rule, at=now()) if rule else Judging(at=format_time(now())),
        settings=rule.settings if rule else {},
    )
    found = checks(
        path,
        wanted,
        rules=names,
        roles=rule.roles if rule else (),
        purposes=rule.purposes if rule else (),
        expected=expected,
        limits=Limits.of_seconds(session.settings.reader_s),
    )
    total = len(files_under(path, wanted, names))
    rows = [_by_name(_row(each), each.path.name, rule) for each in session.out.counted(found, total)]
    session.out.rows(CHECKED, rows, ids="path", empty=f"no files of the format {wanted} in {path}")
    _say_more(session, rows)
    bad = [row for row in rows if row["result"] != "ok"]
    if bad:
        codes = ", ".join(sorted({str(row.get("code")) for row in bad}))
        raise ToldError(
            f"{len(bad)} of {counted(len(rows), 'file')} would not be taken: {codes}; meridian codes explains them"
        )


def _configuration(
    session: Session, stream: str | None, config_file: Path | None
) -> "StreamConfiguration | None":
    if config_file is not None:
        from service.cli.stream_commands import read_configurations

        found = read_configurations(config_file)
        chosen = [each for each in found if stream in {None, each.stream}]
        if len(chosen) != 1:
            names = ", ".join(each.stream for each in found)
            raise WrongUseError(f"{config_file} has the streams {names}; say which with --stream")
        return chosen[0]
    return _in_force(session, stream) if stream is not None else None


def _in_force(session: Session, stream: str) -> "StreamConfiguration":
    from projectors.stream_rules import read_rules

    with session.client() as client, client.engine.connect() as connection:
        rules = read_rules(connection)
    if stream not in rules:
        known = ", ".join(rules) or "none yet"
        raise WrongUseError(
            f"found no stream {stream}, wanted one of {known}; or name a file with --config-file"
        )
    return rules[stream].configuration


def _row(checked: "Checked") -> dict[str, Any]:
    result = checked.result
    found, failure = result.inspection, result.failure
    row: dict[str, Any] = {
        "path": str(checked.path),
        "wall_s": result.usage.wall_s,
        "peak_rss_bytes": result.usage.peak_rss_bytes,
    }
    if failure is not None:
        return {**row, "result": "not checked", "code": failure.code, "message": failure.message}
    if found is None:
        return {**row, "result": "not checked"}
    return {
        **row,
        "result": "ok" if found.verdict == "ok" else "invalid",
        "code": found.code,
        "message": found.message,
        "found": found.found,
        "wanted": found.wanted,
        "size_bytes": found.size_bytes,
        "sha256": found.sha256,
        "identity": found.identity,
        "metadata": found.metadata,
        "qa": found.qa,
        "warnings": found.warnings,
        "warned": ", ".join(sorted({each.code for each in found.warnings})) or None,
        "header_fixes": found.header_fixes,
    }


def _by_name(row: dict[str, Any], name: str, rule: "StreamConfiguration | None") -> dict[str, Any]:
    """What intake says before anybody reads the file: the stream takes certain names only."""
    if rule is None or re.fullmatch(rule.name_pattern, name):
        return row
    message = f"found the name {name}, wanted one that matches {rule.name_pattern}: intake would not take it"
    return {**row, "result": "not taken", "code": "BAD_NAME", "message": message}


def _say_more(session: Session, rows: list[dict[str, Any]]) -> None:
    """For one file all its checks; for many, a count."""
    if session.out.form != "table":
        return
    if len(rows) == 1:
        from service.cli.output import plain
        from service.cli.showing import outcome

        for each in plain(rows[0].get("qa") or ()):
            told = outcome(each["passed"], each.get("value"), each.get("unit"), each.get("message"))
            session.out.lines([f"  {each['check']} ({each['level']}): {told}"])
        for each in plain(rows[0].get("warnings") or ()):
            session.out.lines([f"  warning {each['code']}: {each['message']}"])
        for each in plain(rows[0].get("header_fixes") or ()):
            told = f"{each['keyword']} is read as {each['fixed']}, the file has {each['original']}"
            session.out.lines([f"  fix: {told}; {each['reason']}"])
        if rows[0].get("identity"):
            session.out.lines([f"  identity {rows[0]['identity']}"])
    elif rows:
        good = sum(1 for row in rows if row["result"] == "ok")
        session.out.say(f"{good} of {len(rows)} files would be taken")
