"""Parked work is redriven by a request, as everything is: with who asked and why on the ledger."""

import pytest
from sqlalchemy import text

from consumers.redriving import redrive
from consumers.unfinished import Chosen, unfinished
from tests.consumers.work_site import WorkSite, running

CONTENT = b"some bytes\n" * 50


@pytest.fixture
def parked(work_site: WorkSite):
    """Three files whose first item is parked, one of them with the stream's own item parked as well."""
    with running(work_site, worker=False) as site:
        site.until(lambda: items(site, Chosen(effects=["inbox"])))
        subjects = [site.announce(site.place(f"{each}.dat", CONTENT + each.encode())) for each in "abc"]
        for subject in subjects:
            site.wait(subject, "QUEUED")
        site.until(lambda: len(items(site, Chosen(effects=["ingest"]))) == 3)
        run(
            site,
            "UPDATE work.item SET state = 'parked', last_code = 'EFFECT_BUG', parked_reason = 'it raised'",
        )
        yield site


def run(site: WorkSite, statement: str) -> None:
    with site.engine.begin() as connection:
        connection.execute(text(statement))


def items(site: WorkSite, chosen: Chosen) -> list[dict]:
    with site.engine.connect() as connection:
        return unfinished(connection, chosen)


PARKED = Chosen(states=("parked",))


def test_a_file_redriven_comes_to_its_end_and_the_others_stay_parked(parked: WorkSite):
    parked.start_worker()
    parked.ask("file.redrive", "roman/a", reason="the code is mended")
    parked.wait("roman/a", "COMPLETE")
    fact = next(record for record in parked.history("roman/a") if record.type == "file.redriven")
    assert (fact.actor, fact.reason, fact.fromstate) == ("soc", "the code is mended", fact.tostate)
    still = {row["subject"] for row in items(parked, PARKED) if row["effect"] == "ingest"}
    assert still == {"roman/b", "roman/c"}


def test_without_a_reason_nothing_is_redriven(parked: WorkSite):
    parked.ask("file.redrive", "roman/a")
    parked.until(lambda: "refused" in parked.types("roman/a"))
    assert parked.history("roman/a")[-1].data["reasons"] == ["redrive needs a reason"]
    assert "roman/a" in {row["subject"] for row in items(parked, PARKED)}


def test_a_streams_own_parked_work_is_redriven_by_the_stream(parked: WorkSite):
    assert "roman" in {row["subject"] for row in items(parked, PARKED)}
    parked.ask("stream.redrive", "roman", reason="kafka takes topics again")
    parked.until(lambda: "roman" not in {row["subject"] for row in items(parked, PARKED)})


def test_what_was_parked_after_the_request_stays_and_twice_changes_nothing(parked: WorkSite):
    (item,) = [
        row for row in items(parked, PARKED) if (row["subject"], row["effect"]) == ("roman/a", "ingest")
    ]
    with parked.engine.begin() as connection:
        assert redrive(connection, [("roman/a", 1)]) == 0
        assert redrive(connection, [("roman/a", 100)]) >= 1
        assert redrive(connection, [("roman/a", 100)]) == 0
    (again,) = items(parked, Chosen(subjects=["roman/a"], effects=["ingest"]))
    assert (again["state"], again["try_number"]) == ("open", item["try_number"] + 1)


def test_parked_items_are_chosen_by_stream_effect_code_and_age_with_what_waits_behind(parked: WorkSite):
    assert len(items(parked, Chosen(states=("parked",), effects=["ingest"], codes=["EFFECT_BUG"]))) == 3
    assert items(parked, Chosen(states=("parked",), codes=["OTHER"])) == []
    assert items(parked, Chosen(states=("parked",), streams=["keck"])) == []
    (item,) = items(parked, Chosen(subjects=["roman/b"], effects=["ingest"]))
    assert items(parked, Chosen(subjects=["roman/b"], effects=["ingest"], until=item["created_at"])) == []
    assert items(parked, Chosen(subjects=["roman/b"], effects=["ingest"], since=item["created_at"])) == [item]
    assert item["behind"] == 0
    run(
        parked,
        "INSERT INTO work.item (event_id, effect, lane, subject, stream, version, attempt, sequence, work_class, "
        "priority, queued_at, created_at, state, report_id, payload) SELECT gen_random_uuid(), 'transfer', lane, "
        "subject, stream, version, attempt, sequence + 5, work_class, priority, queued_at, created_at, 'open', "
        "gen_random_uuid(), '{}' FROM work.item WHERE subject = 'roman/b' AND effect = 'ingest'",
    )
    (item,) = items(parked, Chosen(subjects=["roman/b"], effects=["ingest"]))
    assert item["behind"] == 1
