"""``meridian machine``: the lifecycles as tables and as diagrams, from the rows that decide."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import WrongUseError
from service.cli.output import Column, Output
from service.cli.session import session_of

if TYPE_CHECKING:
    from machines.lifecycle import Lifecycle

__all__ = ["DIAGRAMS", "app", "diagram_of"]

app = typer.Typer(no_args_is_help=True, help="The lifecycles that decide what may happen.")

DIAGRAMS = ("mermaid", "dot", "text")
COLUMNS = (Column("request"), Column("fact"), Column("from"), Column("to"))
EDGES = (Column("from"), Column("to"), Column("facts"))

MachineName = Annotated[str, typer.Argument(help="file, group, identity, op or stream", metavar="MACHINE")]


@app.command("show")
def show(context: typer.Context, machine: MachineName) -> None:
    """Print a lifecycle's table: which request leads by which fact from which states to which."""
    life = life_of(machine)
    session_of(context).out.rows(COLUMNS, rows_of(life), ids="fact")


@app.command("diagram")
def diagram(context: typer.Context, machine: MachineName) -> None:
    """Draw a lifecycle; -o mermaid (the default), dot or text, or its edges as -o json, ndjson or csv."""
    session, life = session_of(context), life_of(machine)
    form = session.options.output
    if form in {"json", "ndjson", "csv", "ids"}:
        edges = [
            {"from": source.value, "to": end.value, "facts": facts.split(", ")}
            for source, end, facts in _edges(life)
        ]
        session.out.rows(EDGES, edges, ids="to")
        return
    Output().lines(diagram_of(life, form if form in DIAGRAMS else DIAGRAMS[0], title=machine))


def life_of(machine: str) -> "Lifecycle[Any]":
    """The lifecycle of a machine; raises WrongUseError for one there is not."""
    from machines import MACHINES

    found = MACHINES.get(machine)
    if found is None:
        raise WrongUseError(f"found the machine {machine}, wanted one of {', '.join(MACHINES)}")
    life: Lifecycle[Any] = found.life  # type: ignore[attr-defined]
    return life


def rows_of(life: "Lifecycle[Any]") -> Iterator[dict[str, Any]]:
    """The rows in their order, states as lists."""
    for row in life.rows:
        request = row.request.name if row.request else None
        pairs = [
            (source, end)
            for asked, fact, source, end in life.transitions()
            if fact == row.fact.name and asked == (request or "")
        ]
        own = [(source, end) for source, end in pairs if source in _members(life, row.sources)]
        is_same = all(source == end for source, end in own)
        yield {
            "request": request,
            "fact": row.fact.name,
            "from": _named(life, {source for source, _ in own}),
            "to": "same" if is_same else _named(life, {end for _, end in own}),
        }


def diagram_of(life: "Lifecycle[Any]", form: str, *, title: str) -> list[str]:
    """The diagram's lines. Facts that leave the state as it is are listed, not drawn."""
    edges = _edges(life)
    same = sorted({_short(fact) for _, fact, source, end in life.transitions() if source == end})
    match form:
        case "dot":
            return _dot(life, edges, title)
        case "text":
            return _text(life, edges, same)
        case _:
            return _mermaid(life, edges, same)


def _mermaid(life: "Lifecycle[Any]", edges: list[tuple[Any, Any, str]], same: list[str]) -> list[str]:
    def name(state: Any) -> str:
        return "[*]" if state == life.initial else str(state.value)

    drawn = [f"    {name(source)} --> {name(end)}: {label}" for source, end, label in edges]
    return ["stateDiagram-v2", f"    %% in every state, which stays as it is: {', '.join(same)}", *drawn]


def _dot(life: "Lifecycle[Any]", edges: list[tuple[Any, Any, str]], title: str) -> list[str]:
    shapes = {state: "point" if state == life.initial else "box" for state in life.states}
    nodes = [f'    "{state.value}" [shape={shape}];' for state, shape in shapes.items()]
    drawn = [f'    "{source.value}" -> "{end.value}" [label="{label}"];' for source, end, label in edges]
    return [f'digraph "{title}" {{', "    rankdir=LR;", *nodes, *drawn, "}"]


def _text(life: "Lifecycle[Any]", edges: list[tuple[Any, Any, str]], same: list[str]) -> list[str]:
    lines = []
    for state in life.states:
        lines.append(str(state.value))
        lines += [f"    {label} → {end.value}" for source, end, label in edges if source == state]
    return [*lines, f"in every state, which stays as it is: {', '.join(same)}"]


def _edges(life: "Lifecycle[Any]") -> list[tuple[Any, Any, str]]:
    """Each pair of different states once, with the facts that lead from one to the other."""
    labels: dict[tuple[Any, Any], dict[str, None]] = {}
    for _, fact, source, end in life.transitions():
        if source != end:
            labels.setdefault((source, end), {})[_short(fact)] = None
    order = [*life.states.__members__.values()]
    pairs = sorted(labels, key=lambda pair: (order.index(pair[0]), order.index(pair[1])))
    return [(source, end, ", ".join(labels[source, end])) for source, end in pairs]


def _members(life: "Lifecycle[Any]", given: Any) -> tuple[Any, ...]:
    return (given,) if isinstance(given, life.states) else tuple(given)


def _named(life: "Lifecycle[Any]", states: Iterable[Any]) -> list[str]:
    found = set(states)
    return [str(state.value) for state in life.states if state in found]


def _short(name: str) -> str:
    return name.partition(".")[2]
