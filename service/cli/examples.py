"""What to type: an example or two under the help of a command, and the options that stand nowhere else."""

from collections.abc import Mapping

import typer

__all__ = ["EXAMPLES", "show_examples"]

_COMMON = "Before or after its name also --site --config -o --quiet --yes --reason --actor --debug: see meridian --help"

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "bench": ("bench core", "bench ingest --only frames",),
    "check": ("check /landing/night --stream kcwi", "check x.fits --format fits -o json"),
    "codes": ("codes TRUNCATED", "codes --kind waiting"),
    "down": ("down", "down --erase --yes"),
    "export": ("export /backup/2026-11-22",),
    "faults": ("faults --list", "faults --cell 'broker.*' --seeds 3"),
    "import": ("import /backup/2026-11-22 --reason 'the cluster was lost'",),
    "publish": ("publish announcement.json --sender keck", "publish - --sender keck"),
    "recover": ("recover --explain", "recover --apply --reason 'topic restored from the archive'"),
    "replay": ("replay all", "replay all --until 2026-11-21T06:00Z"),
    "run": ("run all", "run decider"),
    "why": ("why keck/KB.20261121.00001.fits", "why op:eid_1_118 group:dkist-l1/AAAA"),
    "audit": ("audit", "audit -o json"),
    "file ack": ("file ack --state INVALID --stream kcwi --reason 'known, the observer was told'",),
    "file delete-source": ("file delete-source --stream kcwi --since 30d --dry-run",),
    "file dismiss": ("file dismiss keck/KB.20261121.00001.fits --because TEST_FRAME --reason 'a test'",),
    "file hold": ("file hold --stream kcwi --reason 'calibration is being mended'",),
    "file listed": (
        "file listed --standing missing",
        "file listed --stream keck --manifest 20261121.md5sum.table",
    ),
    "file list": (
        "file list --state ERROR --since 12h",
        "file list --detector WFI07 --filter F158 --at 266.4,-29,0.5 --qa 'seeing<1.2'",
        "file list --where \"exposure_s > 60 AND program IS NULL\"",
        "file list --state INVALID -o ids",
    ),
    "file note": ("file note keck/KB.20261121.00001.fits 'the observer was told'",),
    "file reprocess": (
        "file reprocess --code QA_AIRMASS --reason 'threshold corrected' --dry-run",
        "file reprocess --warning PROGRAM_MISSING --visit V7 --program C257 --reason 'by the schedule' --dry-run",
        "file reprocess keck/KB.20261121.00001.fits --identity KB.20261121.00002 --reason 'stale clock'",
    ),
    "file retry": (
        "file retry --state ERROR --stream kcwi --reason 'gateway back' --dry-run",
        "file list --state ERROR -o ids | meridian file retry - --reason 'gateway back'",
    ),
    "file why": ("file why keck/KB.20261121.00001.fits",),
    "group excuse": ("group excuse rubin-lsstcam/MC_O_20261121_000034 --places 120-122 --reason 'dead raft'",),
    "group expect": ("group expect dkist-l1/AAAA --files 800 --due 2026-11-22T12:00 --reason 'told by the summit'",),
    "identity transfer": ("identity transfer KB.20261121.00001.fits --to keck/kb1.fits --reason 'stale clock'",),
    "op claim": ("op claim eid_1_118 --program eid_1_118 --orcid 0000-0002-1825-0097",),
    "op invert": ("op invert eid_1_118 --manifest inversion.toml --dry-run",),
    "op list": ("op list --state Discovered",),
    "op next": ("op next --limit 5",),
    "op scan": (
        "op scan datasets.json --dry-run",
        "op scan https://metadata.example.org/graphql --page-size 500",
        "op scan --frames dkist-l1",
    ),
    "op what-if": ("op what-if --criteria mine.toml --catalogue datasets.json",),
    "op why": ("op why eid_1_118",),
    "projection verify": ("projection verify", "projection verify file --fresh --rows"),
    "report night": ("report night --stream kcwi --night 2026-11-20",),
    "report qa": ("report qa --check pixel_median --stream kcwi",),
    "stream apply": ("stream apply kcwi.toml --enable",),
    "stream hold": ("stream hold kcwi --reason 'the archive is being moved'",),
    "work redrive": ("work redrive --code STORAGE_FULL --reason 'room was made' --dry-run",),
    "deadletter redrive": ("deadletter redrive --code UNKNOWN_STREAM --reason 'stream applied' --dry-run",),
    "deadletter list": ("deadletter list --causes",),
}  # fmt: skip
"""By command; each is what follows ``meridian``, and a test lets every command read its own."""


def show_examples(app: typer.Typer, names: str = "") -> None:
    """Put them below the help of every command of this app and of its groups."""
    for command in app.registered_commands:
        lines = [f"meridian {each}" for each in EXAMPLES.get(f"{names}{command.name}", ())]
        command.epilog = "\n\n".join([*(["Such as:"] if lines else []), *lines, _COMMON])
    for group in app.registered_groups:
        if group.typer_instance is not None:
            show_examples(group.typer_instance, f"{names}{group.name} ")
