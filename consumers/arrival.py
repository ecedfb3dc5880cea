"""From an announced place to a request: which file it is, whose, and what its stream's configuration says about it."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, get_args

from consumers.announced import Place, base_name
from consumers.formats import FORMATS
from consumers.objections import Objection
from events.file import Content, FileArrived
from events.file_parts import Pairing
from events.file_requests import ArriveFile
from events.stream import PatternRule, SidecarPolicy, StreamConfiguration
from events.types import WarningFinding
from projectors.stream_rules import StreamRule

__all__ = ["arrive", "logical_name", "rule_for", "rule_of_place"]

# Letters and digits of any script and a few signs; what a pattern of a stream allows beyond these is not taken.
_NAME = re.compile(r"[\w.+=@,~()\[\] -]+")
_NAME_BYTES = 255
_ROLES = get_args(FileArrived.model_fields["role"].annotation)
_PURPOSES = get_args(FileArrived.model_fields["purpose"].annotation)


def rule_for(stream: str, sender: str, rules: Mapping[str, StreamRule]) -> StreamRule:
    """The rule of a stream that the sender may speak for; raises ``Objection``."""
    rule = rules.get(stream)
    if rule is None:
        raise Objection(
            "UNKNOWN_STREAM",
            f"stream {stream!r}: found no such stream, wanted one of {_listed(rules)}; "
            "an operator adds streams with: meridian stream apply",
        )
    if sender not in rule.senders:
        raise Objection(
            "NOT_ALLOWED",
            f"sender {sender!r}: may not speak for stream {stream!r}, wanted one of {_listed(rule.senders)}; "
            "an operator adds senders to the stream's configuration",
        )
    return rule


def rule_of_place(place: Place, sender: str, rules: Mapping[str, StreamRule]) -> StreamRule:
    """The rule of the stream in whose roots the place lies deepest, of those that the sender may speak for."""
    own = [rule for rule in rules.values() if sender in rule.senders]
    depths = {rule.stream: place.deepest_root(rule.roots) for rule in own}
    deepest = max((depth for depth in depths.values() if depth is not None), default=None)
    if deepest is None:
        raise Objection(
            "OUTSIDE_ROOTS",
            f"{place.uri}: lies under no root of the streams that {sender!r} may speak for ({_listed(depths)}); "
            "an operator adds the sender or the root to a stream's configuration",
        )
    matching = [rule for rule in own if depths[rule.stream] == deepest]
    named = [
        rule for rule in matching if re.fullmatch(rule.configuration.name_pattern, place.name)
    ] or matching
    if len(named) > 1:
        raise Objection(
            "AMBIGUOUS_STREAM",
            f"{place.uri}: could be of {_listed(rule.stream for rule in named)}, wanted one; "
            "give the streams different roots or name patterns",
        )
    return named[0]


def arrive(
    place: Place,
    rule: StreamRule,
    *,
    content: Mapping[str, Any],
    witness: str,
    catch_up: bool,
    at: datetime,
) -> tuple[str, ArriveFile]:
    """Subject and request of a file announced at this time; raises ``Objection`` where the stream would not have it.

    ``content``: what the announcement says of the bytes, beside where they lie.
    """
    configuration = rule.configuration
    if place.deepest_root(rule.roots) is None:
        raise Objection(
            "OUTSIDE_ROOTS",
            f"{place.uri}: lies under no root of stream {rule.stream!r}, wanted one under {_listed(rule.roots)}",
        )
    name = place.name
    _check_name(name, rule)
    role = _value(configuration.roles, name, _usual_role(name, configuration), _ROLES, rule)
    logical = _logical(name, role, configuration)
    warnings = (_unexpected(rule),) if rule.is_offline else ()
    return f"{rule.stream}/{logical}", ArriveFile(
        content=Content(uri=place.uri, **content),
        witness=witness,
        stream_version=rule.version,
        role=role,  # type: ignore[arg-type]
        purpose=_value(configuration.purposes, name, "science", _PURPOSES, rule),  # type: ignore[arg-type]
        work_class="large" if (content.get("size_bytes") or 0) >= configuration.large_bytes else "normal",
        priority="catch-up" if catch_up else "live",
        changed_content=configuration.changed_content,
        warnings=warnings,
        pairing=_pairing(configuration.sidecars, role, name, at),
    )


def logical_name(name: str, configuration: StreamConfiguration) -> str:
    """What the stream calls a file of this name, announced or not."""
    role = next(
        (each.value for each in configuration.roles if re.fullmatch(each.pattern, name)),
        _usual_role(name, configuration),
    )
    return _logical(name, role, configuration)


def _usual_role(name: str, configuration: StreamConfiguration) -> str:
    known = FORMATS.get(configuration.format_of(name))
    return known.role if known else "primary"


def _logical(name: str, role: str, configuration: StreamConfiguration) -> str:
    """Only the primary goes by its base name: a FITS file and its JSON sidecar are two files, not versions of one."""
    return base_name(name) if role == "primary" and configuration.strip_suffix else name


def _pairing(policy: SidecarPolicy | None, role: str, name: str, at: datetime) -> Pairing | None:
    """By when a primary wants its sidecar, and which primaries a sidecar has, where the stream's policy says so."""
    if policy is None or not policy.needed:
        return None
    if role == "primary":
        return Pairing(due_at=at + timedelta(seconds=policy.due_after_s))
    named = policy.primaries_of(base_name(name)) if role == "sidecar" else None
    return None if named is None else Pairing(primaries=named)


def _check_name(name: str, rule: StreamRule) -> None:
    pattern = rule.configuration.name_pattern
    if not _NAME.fullmatch(name) or name[0] in ".- " or len(name.encode()) > _NAME_BYTES:
        raise Objection(
            "BAD_NAME",
            f"name {name!r}: wanted letters, digits and . _ + = @ , ~ ( ) [ ] - within it, "
            f"not beginning with a dot or hyphen, {_NAME_BYTES} bytes at most",
        )
    if not re.fullmatch(pattern, name):
        raise Objection(
            "BAD_NAME",
            f"name {name!r}: wanted one that matches {pattern} (name_pattern of stream {rule.stream!r}); "
            "is it announced for the right stream?",
        )


def _value(
    rules: Iterable[PatternRule], name: str, otherwise: str, known: tuple[str, ...], rule: StreamRule
) -> str:
    value = next((each.value for each in rules if re.fullmatch(each.pattern, name)), otherwise)
    if value not in known:
        raise Objection(
            "BAD_CONFIGURATION",
            f"stream {rule.stream!r}: its configuration {rule.version} gives {name!r} the value {value!r}, "
            f"wanted one of {_listed(known)}; an operator corrects it, then redrives this message",
        )
    return value


def _unexpected(rule: StreamRule) -> WarningFinding:
    message = f"stream {rule.stream} is Offline, so no files were expected; taken all the same"
    return WarningFinding(code="UNEXPECTED_DATA", message=message, found=rule.state)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
