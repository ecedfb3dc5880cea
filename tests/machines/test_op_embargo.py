"""An input's embargo that is extended after its product is published, or on the way there: the product's follows."""

from typing import Any

import pytest

from consumers.attempt_obligations import OF_ATTEMPTS
from consumers.effects.embargoes import extend_embargoes
from consumers.obligations import obligations
from consumers.owed import ItemOwed
from consumers.work_lanes import LANES
from tests.machines.given_op import PUBLISHED, PUBLISHING, a_dataset, an_op, take
from tests.machines.test_op_publication import _published_with

EARLY, LATE, LATER = "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z"


def embargoed(name: str, until: str | None) -> dict[str, object]:
    return a_dataset(name, is_embargoed=True, **({"embargo_until": until} if until else {}))


def heard(story, *datasets):
    return story.ask("datasets", {"source": "scan", "metadata": list(datasets)})


def owed(record):
    return [each for each in obligations(record) if isinstance(each, ItemOwed) and each.effect == "embargo"]


class Claimed:
    """An item as a worker has it."""

    def __init__(self, owed: ItemOwed) -> None:
        self.payload, self.subject, self.effect = owed.payload, owed.subject, owed.effect
        self.report_id, self.cause, self.correlationid = owed.report_id, owed.payload["cause"], None
        self.sender_event_id = None


def followed(story, record):
    """What comes of the fact, asked for as the worker does."""
    items: list[Any] = [Claimed(each) for each in owed(record)]
    asked = extend_embargoes(items, None)  # type: ignore[arg-type]
    return [
        story.ask("embargo", ask.request.wire(), attempt=ask.attempt, actor=ask.actor) for _, ask in asked
    ]


@pytest.mark.parametrize("until", [LATE, None])
def test_the_product_of_an_input_that_is_kept_longer_is_kept_as_long(until):
    story = _published_with(embargoed("A", EARLY), a_dataset("B"))
    fact = heard(story, embargoed("A", until))
    (moved,) = fact.data["embargoes"]
    assert moved == {"attempt": 1, "dataset": "A", **({"until": until} if until else {})}
    (asked,) = followed(story, fact)
    assert (asked.type, asked.attempt, asked.data.get("due_at")) == ("op.embargoed", 1, until)
    assert asked.data["policy"].startswith("the latest of its inputs': that of A is now ")
    assert story.state.state.attempts[1].embargo["is_embargoed"]
    assert heard(story, embargoed("A", until)).data.get("embargoes") is None, "and is not asked for again"


def test_what_was_public_is_kept_back_once_an_input_is():
    story = an_op(*PUBLISHED)
    fact = heard(story, embargoed("A", LATE))
    (asked,) = followed(story, fact)
    assert asked.data["due_at"] == LATE


def test_what_changes_with_the_data_counts_as_well():
    story = _published_with(embargoed("A", EARLY), a_dataset("B"))
    changed = {**embargoed("A", LATE), "digest": "e" * 32}
    fact = story.ask("datasets", {"source": "scan", "changed": [changed]})
    assert fact.type == "op.datasets_changed"
    assert [each["until"] for each in fact.data["embargoes"]] == [LATE]
    assert len(owed(fact)) == 1


def test_an_earlier_end_and_one_that_others_exceed_move_nothing():
    story = _published_with(embargoed("A", EARLY), embargoed("B", LATE))
    assert "embargoes" not in heard(story, embargoed("A", "2027-06-01T00:00:00Z")).data
    assert "embargoes" not in heard(story, embargoed("B", EARLY)).data
    assert story.state.state.attempts[1].embargo["until"] == LATE


def test_what_a_person_has_lifted_stays_so_until_an_input_s_embargo_moves():
    story = _published_with(embargoed("A", LATE), a_dataset("B"))
    story.ask("lift", {}, reason="the PI agrees")
    assert "embargoes" not in heard(story, {**embargoed("A", LATE), "size_bytes": 7}).data
    assert "embargoes" not in heard(story, embargoed("B", EARLY)).data, "A's was later all the time"
    assert heard(story, embargoed("B", LATER)).data["embargoes"][0]["dataset"] == "B"


def test_a_dataset_that_is_no_input_keeps_nothing_back():
    story = an_op(*PUBLISHED)
    fact = story.ask("datasets", {"source": "scan", "added": [embargoed("Z", LATE)]})
    assert fact.type == "op.datasets_changed"
    assert "embargoes" not in fact.data


def test_what_is_extended_on_the_way_to_the_portal_counts_and_the_portal_is_told():
    story = an_op(*PUBLISHING, "package", "archive", "announce")
    fact = heard(story, embargoed("A", LATE))
    assert "embargoes" not in fact.data, "nothing is public yet"
    take(story, "published")
    record = story.decisions[-1].record
    assert record.data["embargo"] == {"is_embargoed": True, "until": LATE}
    assert record.data["due_at"] == record.data["embargo"]["until"]
    assert record.data["embargo_was"] == {"is_embargoed": False}
    effects = [each.effect for each in OF_ATTEMPTS["op.published"](record) if isinstance(each, ItemOwed)]
    assert effects == ["unveil"]


def test_work_on_the_attempt_that_goes_on_does_not_end_the_wish():
    story = _published_with(embargoed("A", EARLY), a_dataset("B"))
    (item,) = owed(heard(story, embargoed("A", LATE)))
    assert (item.part, item.attempt, item.lane) == ("op", 1, LANES["embargo"])
