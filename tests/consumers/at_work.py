"""What tests of work are made of: streams and files whose facts oblige items, and claims on them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from consumers import claims, dispatch
from consumers.claims import Places, WorkItem
from consumers.effects import LIGHT
from events.envelope import Record
from tests.machines.given import Story, arrival, current, findings, stored

BEGIN = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
STARTED = {"worker": "w1", "host": "h1", "software_version": "1"}


def dispatched(connection: Connection, *records: Record) -> None:
    """Write what these records oblige, as dispatch does."""
    dispatch.apply(connection, [(record, b"") for record in records])


def a_stream(
    connection: Connection, name: str = "roman", *, state: str = "Enabled", **configuration: Any
) -> Story:
    """A stream in that state, dispatched."""
    story = Story("stream", name)
    told = {"stream": name, "senders": ["soc"], "roots": ["file:///landing/"], **configuration}
    records = [story.ask("configure", {"configuration": told})]
    steps = {"Enabled": ("start", "enable"), "Disabled": ("start",), "Offline": ("offline",)}
    records += [story.ask(step) for step in steps.get(state, ())]
    dispatched(connection, *records)
    connection.execute(text("UPDATE work.item SET state = 'done' WHERE effect = 'inbox'"))
    return story


class Files:
    """Files that arrive one after the other, a second apart."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.count = 0

    def arrive(
        self, subject: str = "", *, stream: str = "roman", actor: str = "somebody", **data: Any
    ) -> Story:
        """One more file, dispatched; its story can be gone on with."""
        self.count += 1
        story = Story("file", subject or f"{stream}/f{self.count:04d}")
        record = story.ask(
            "arrive",
            {**arrival(f"{self.count:064x}"), **data},
            actor=actor,
            correlationid=f"e{self.count}",
        )
        record.time = (BEGIN + timedelta(seconds=self.count)).isoformat()
        dispatched(self.connection, record)
        return story

    def reject(self, story: Story) -> Record:
        """The file turns out to be bad, dispatched."""
        record = story.ask("reject", {"code": "EMPTY_FILE", "message": "0 bytes"}, **current(story))
        dispatched(self.connection, record)
        return record

    def go_on(self, story: Story, *steps: str) -> Record:
        """The file goes through these steps, dispatched; the last record."""
        sha256 = story.state.state.newest.content["sha256"]
        data = {
            "start": STARTED,
            "validated": findings(sha256),
            "transferred": stored(sha256),
            "registered": {"register_table": "operations.l2_file", "row_id": "1"},
        }
        for step in steps:
            record = story.ask(step, data[step], **current(story))
            assert not record.is_refusal, record.data
            dispatched(self.connection, record)
        return story.decisions[-1].record


def claim(
    connection: Connection,
    *,
    owner: str = "w1",
    effects: tuple[str, ...] = ("ingest", "transfer"),
    at_most: int = 10,
    large_at_most: int = 10,
    catch_up_at_most: int = 10,
    behind_at_most: int = 10,
    behind_alone: int = 10,
    lease_s: float = 30.0,
) -> list[WorkItem]:
    """Steps claimed, as a worker does."""
    return claims.claim_steps(
        connection,
        claims.stand(connection),
        owner=owner,
        effects=effects,
        places=Places(
            at_most,
            large=large_at_most,
            catch_up=catch_up_at_most,
            behind=behind_at_most,
            behind_alone=behind_alone,
        ),
        lease_s=lease_s,
    )


def claim_light(connection: Connection, *, effects: tuple[str, ...] = LIGHT) -> list[WorkItem]:
    """Light items claimed, as a worker does."""
    standing = claims.stand(connection)
    return claims.claim_light(connection, standing, owner="w1", effects=effects, at_most=10, lease_s=30.0)


def state_of(connection: Connection, item: WorkItem) -> str:
    """The item's state now."""
    found: str = connection.execute(
        text("SELECT state FROM work.item WHERE event_id = :event_id AND effect = :effect"),
        item.key._asdict(),
    ).scalar_one()
    return found


def names(items: list[WorkItem]) -> list[str]:
    """Names of the items' files, without the stream."""
    return [item.subject.partition("/")[2] for item in items]
