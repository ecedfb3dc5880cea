"""Asking for a longer embargo of what is published, where that of an input was extended."""

from collections.abc import Iterator, Sequence

from consumers.claims import WorkItem
from consumers.effects.asking import Ask
from consumers.effects.judging import Found
from consumers.tools import Tools
from events.op_asks import EmbargoOp
from events.op_parts import EmbargoMoved

__all__ = ["extend_embargoes"]

_POLICY_CHARACTERS = 255


def extend_embargoes(items: Sequence[WorkItem], _tools: Tools) -> Iterator[Found]:
    """The product's embargo is the latest of its inputs': each is asked for with the input that has it."""
    for item in items:
        try:
            moved = EmbargoMoved.model_validate(item.payload["embargo"])
            until = f"until {item.payload['embargo']['until']}" if moved.until else "without an end"
            policy = f"the latest of its inputs': that of {moved.dataset} is now {until}"
            request = EmbargoOp(until=moved.until, policy=policy[:_POLICY_CHARACTERS])
            ask = Ask(
                request,
                item,
                item.report_id,
                item.subject,
                version=None,
                attempt=moved.attempt,
                is_report=True,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            yield item, error
        else:
            yield item, ask
