"""A site carried into empty servers: the same records, the same views, and it goes on as if nothing had been."""

import json

from events.envelope import decode_record
from events.log import Place
from service.audit.audit import audit_site
from service.cli.errors import FINE
from tests.service.cli.a_site import arrival, started
from tests.service.transplant.two_sites import SENDER, other_engine, until

WORK = "SELECT CAST(event_id AS text), effect, state, CAST(report_id AS text), finished_at FROM work.item ORDER BY 1, 2"


def test_a_site_goes_on_in_empty_servers_where_it_was(past, typed, tmp_path, fresh_postgres, postgres):
    folder = tmp_path / "export"
    said = typed("export", str(folder), "-o", "json")
    assert said.code == FINE, said
    former = other_engine(postgres)
    values, views, letters = past.values(), past.views(former), past.open_letters()
    registers = past.rows(former, "SELECT * FROM operations.l2_file ORDER BY row_id")
    assert len(registers) == 2
    work = past.rows(former, WORK)
    assert {row[2] for row in work} >= {"open", "done"}
    assert json.loads(said.out)["records"]["ledger"] == len(values)

    past.lose(fresh_postgres)
    said = typed("import", str(folder), "--reason", "the cluster was lost")
    assert said.code == FINE, said

    engine = past.engine()
    assert past.values() == values
    assert past.views(engine) == views
    assert past.rows(engine, "SELECT * FROM operations.l2_file ORDER BY row_id") == registers
    assert past.rows(engine, WORK) == work  # what is owed, and nothing that was done
    assert sorted(past.open_letters().values()) == sorted(letters.values())
    _the_door_is_as_it_was(past)

    past.start()
    _goes_on(past, engine)
    assert typed("status", "-o", "json").code in {0, 1}
    past.stop()
    findings = audit_site(past.wiring, settle_s=3, effects=False, processes=0)
    assert findings.raised.keys() <= {"stuck"}, findings  # nobody does any work here
    former.dispose()


def _the_door_is_as_it_was(past) -> None:
    """The one message that was left, at the offset that it had: the name of no earlier one is given again."""
    inbox = Place(past.wiring.topics.inbox(SENDER), 0)
    assert [(each.offset, json.loads(each.value)["id"]) for each in past.read(inbox)] == [(2, "m2")]
    assert past.log.committed(f"{past.wiring.settings.site}.intake", [inbox]) == {inbox: 2}


def _goes_on(past, engine) -> None:
    waited = decode_record(past.waiting.value and _outcome_of(past, past.waiting))
    assert waited.type == "file.noted"
    before = [each for each in past.ledger() if each.subject == waited.subject]
    assert [each.sequence for each in before] == list(range(1, len(before) + 1))
    # Asked again, it is known; asked anew, it is the next in the chain.
    count = len(past.values())
    past.put(past.repeated.topic, past.repeated)
    past.site.asks("keck/new", arrival("new"))
    past.site.asks("keck/f5", started(), version=1, attempt=1)
    after = [each for each in past.ledger() if each.subject == "keck/f5"]
    assert [each.sequence for each in after] == [1, 2]
    assert after[1].ownerepoch > after[0].ownerepoch
    assert len(past.values()) == count + 2
    shown = "SELECT file FROM v1.file WHERE file = 'keck/new'"
    until(lambda: past.rows(engine, shown) == [("keck/new",)], "the views do not go on")


def _outcome_of(past, request) -> bytes:
    """The record that answers it."""
    wanted = json.loads(request.value)["id"]
    found: list[bytes] = []

    def is_there() -> bool:
        found[:] = [
            each.value for place in past.places("file") for each in past.read(place)
            if json.loads(each.value)["requestid"] == wanted
        ]  # fmt: skip
        return bool(found)

    until(is_there, "what was asked before the export was not decided")
    assert len(found) == 1
    return found[0]
