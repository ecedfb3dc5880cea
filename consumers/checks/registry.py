"""All checks by name: those of every module in ``consumers.checks.of``, and those that other packages offer."""

import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from consumers.checks import of
from consumers.checks.check import Check
from consumers.checks.look import Look

__all__ = ["ENTRY_POINTS", "checks_in", "known_checks"]

ENTRY_POINTS = "meridian.checks"
"""Each names a module whose checks are taken like our own."""


@cache
def known_checks() -> Mapping[str, Check]:
    """Every check there is, in the order of their names. Raises ValueError where two have one name."""
    return checks_in(_modules())


def checks_in(modules: Iterable[ModuleType]) -> Mapping[str, Check]:
    """The checks that these modules define."""
    found: dict[str, tuple[Check, str]] = {}
    for module in modules:
        for each in vars(module).values():
            if not isinstance(each, Check) or found.get(each.name, (None,))[0] is each:
                continue
            if each.name in found:
                raise ValueError(
                    f"check {each.name}: found in {found[each.name][1]} and in {module.__name__}; rename one"
                )
            found[each.name] = (each, module.__name__)
    return {name: found[name][0] for name in sorted(found)}


def _modules() -> Iterator[ModuleType]:
    for place in pkgutil.iter_modules(of.__path__, f"{of.__name__}."):
        yield import_module(place.name)
    for point in entry_points(group=ENTRY_POINTS):
        yield _loaded(point)


def _loaded(point: EntryPoint) -> ModuleType:
    """Another package's module; one that cannot be loaded is named with every file, and stops none."""
    try:
        module: ModuleType = point.load()
    except Exception as error:  # noqa: BLE001 - whatever their package does wrong is not our files' fault
        reason = f"{point.value} cannot be loaded: {type(error).__name__}: {error}"

        def broken(_file: Look) -> None:
            raise ImportError(reason)

        module = ModuleType(point.name)
        name = re.sub(r"[^a-z0-9_]", "_", point.name.lower())[:60]
        vars(module)[name] = Check(name, broken, reason)
    return module
