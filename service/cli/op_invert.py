"""``meridian op invert``: hand in what an inversion made, with its inputs and the software that made it."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import typer

from service.cli.errors import WrongUseError
from service.cli.op_asking import ATTEMPT, EXPECTED_SEQUENCE, REQUEST_ID, ask_of_ops, request_of
from service.cli.op_commands import OneOp, app
from service.cli.session import session_of
from service.cli.spreading import DryRun

__all__ = ["output_of"]

_SUM_LENGTH = 64
_CHUNK = 1 << 20

Products = Annotated[
    list[str] | None,
    typer.Option("--product", help="a file, which is summed up here, or s3://…=SHA256; again for more"),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", help="a dataset that was used; again for more", metavar="DATASET"),
]
Repository = Annotated[str | None, typer.Option("--repository", help="of the software")]
Commit = Annotated[str | None, typer.Option("--commit", help="of the software, in hex")]
Manifest = Annotated[
    Path | None,
    typer.Option(
        "--manifest", help="outputs, inputs and software from a file, TOML or JSON; options add to it"
    ),
]
Message = Annotated[str | None, typer.Option("--message", help="what else is to be said")]


@app.command("invert")
def invert(  # noqa: PLR0913, PLR0917 - each is an option
    context: typer.Context,
    op: OneOp,
    product: Products = None,
    dataset: Inputs = None,
    repository: Repository = None,
    commit: Commit = None,
    manifest: Manifest = None,
    message: Message = None,
    attempt: ATTEMPT = None,
    dry_run: DryRun = False,
    request_id: REQUEST_ID = None,
    expected_sequence: EXPECTED_SEQUENCE = None,
) -> None:
    """Hand in products, the inputs used and the software; a worker verifies them before they count."""
    found = _document(manifest) if manifest else {}
    software = {"repository": repository or "", "commit": commit or "", **(found.get("software") or {})}
    software |= {name: each for name, each in (("repository", repository), ("commit", commit)) if each}
    members = {
        "outputs": [*found.get("outputs", ()), *(output_of(each) for each in product or ())],
        "inputs": [*found.get("inputs", ()), *(dataset or ())],
        "software": software,
        "message": message or found.get("message"),
    }
    request = request_of("op_asks.HandInOp", members)
    ask_of_ops(
        session_of(context), [op], request, attempt=attempt, dry_run=dry_run, request_id=request_id,
        expected_sequence=expected_sequence,
    )  # fmt: skip


def output_of(text: str) -> dict[str, Any]:
    """An output as it is handed in: a file with its size and sum, an object with the sum that is given."""
    place, _, given = text.rpartition("=")
    if not place or len(given) != _SUM_LENGTH:
        place, given = text, ""
    parts = urlsplit(place)
    if parts.scheme == "s3":
        return {"name": place.rstrip("/").rpartition("/")[2], "uri": place, "sha256": given.lower()}
    path = Path(unquote(parts.path) if parts.scheme == "file" else place).absolute()
    found = _summed(path)
    if given and given.lower() != found:
        raise WrongUseError(
            f"--product {place}: found the sha256 {found}, wanted {given.lower()} as was said"
        )
    return {"name": path.name, "uri": path.as_uri(), "sha256": found, "size_bytes": path.stat().st_size}


def _summed(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


def _document(path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8")
    try:
        document = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except ValueError as error:
        wanted = "TOML" if path.suffix == ".toml" else "JSON (or TOML in a file that ends in .toml)"
        raise WrongUseError(f"{path}: {error}; wanted {wanted}") from error
    if not isinstance(document, dict):
        raise WrongUseError(f"{path}: found no object, wanted one with outputs, inputs and software")
    return document
