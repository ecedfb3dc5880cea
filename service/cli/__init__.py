"""The command line: what there is, in the order people meet it; each group of commands is a file of its own."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from events import failpoints
from service.cli import (
    audit_command,
    bench_command,
    check_command,
    deadletter_commands,
    demo_command,
    docs_commands,
    faults_command,
    file_asks,
    file_commands,
    file_picture,
    file_removals,
    group_commands,
    identity_commands,
    inbox_commands,
    machine_commands,
    op_commands,
    op_invert,
    op_listing,
    op_looking,
    op_scan,
    op_studies,
    op_verbs,
    projection_commands,
    recover_command,
    reference_commands,
    replay_command,
    report_commands,
    run_commands,
    schema_commands,
    stack_commands,
    status_commands,
    stream_commands,
    test_command,
    transplant_commands,
    why_command,
    work_commands,
)
from service.cli.errors import WrongUseError, tell_error
from service.cli.examples import show_examples
from service.cli.options import Options, hoisted, is_for_programs
from service.cli.output import FORMATS
from service.cli.session import Session

__all__ = [
    "app",
    "file_asks",
    "file_picture",
    "file_removals",
    "op_invert",
    "op_listing",
    "op_looking",
    "op_scan",
    "op_studies",
    "op_verbs",
    "run",
]

app = typer.Typer(
    name="meridian",
    help="The life of every observing program and every file of an observatory, as an immutable log.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("up")(stack_commands.up)
app.command("down")(stack_commands.down)
app.command("status")(status_commands.status)
app.command("doctor")(status_commands.doctor)
app.command("run")(run_commands.run)
app.command("demo")(demo_command.demo)
app.command("bench")(bench_command.bench)
app.command("faults")(faults_command.faults)
app.command("test")(test_command.run_tests)
app.command("check")(check_command.check)
app.command("audit")(audit_command.audit)
app.command("recover")(recover_command.recover)
app.command("replay")(replay_command.replay)
app.command("export")(transplant_commands.export)
app.command("import")(transplant_commands.bring_in)
app.command("why")(why_command.why)
app.command("codes")(reference_commands.codes)
app.command("formats")(reference_commands.formats)
app.command("publish")(inbox_commands.publish)
app.command("validate")(inbox_commands.validate)
app.add_typer(file_commands.app, name="file")
app.add_typer(op_commands.app, name="op")
app.add_typer(stream_commands.app, name="stream")
app.add_typer(report_commands.app, name="report")
app.add_typer(group_commands.app, name="group")
app.add_typer(identity_commands.app, name="identity")
app.add_typer(work_commands.app, name="work")
app.add_typer(projection_commands.app, name="projection")
app.add_typer(deadletter_commands.app, name="deadletter")
app.add_typer(schema_commands.app, name="schema")
app.add_typer(machine_commands.app, name="machine")
app.add_typer(docs_commands.app, name="docs")
show_examples(app)


@app.callback()
def common(  # noqa: PLR0913, PLR0917 - each is an option
    context: typer.Context,
    site: Annotated[str | None, typer.Option(help="the installation, setting MERIDIAN_SITE")] = None,
    config: Annotated[Path | None, typer.Option(help="settings from this file, TOML or .env")] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help=f"how to print: {', '.join(FORMATS)}")
    ] = "table",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="no remarks beside the data")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before what can't be undone")] = False,
    reason: Annotated[str | None, typer.Option(help="why: kept with what you ask for")] = None,
    actor: Annotated[
        str | None, typer.Option(help="in whose name; the user of this machine if not given")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="show where in the code an error came from")] = False,
) -> None:
    """Options before or after the command's name."""
    drawing = machine_commands.DIAGRAMS if context.invoked_subcommand == "machine" else ()
    if output not in FORMATS and output not in drawing:
        raise WrongUseError(f"-o {output}: wanted one of {', '.join((*FORMATS, *drawing))}")
    failpoints.arm_from(os.environ)
    context.obj = Session(Options(site, config, output, quiet, yes, reason, actor, debug))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    as_json = is_for_programs(arguments)
    try:
        # Typer draws boxes around what is wrong with arguments; programs get it as they get every other error.
        code = app(hoisted(arguments), prog_name="meridian", standalone_mode=not as_json)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except Exception as error:  # noqa: BLE001 - the end of the road: every error becomes a message
        return tell_error(error, debug="--debug" in arguments, as_json=as_json)
    return code if isinstance(code, int) else 0
