"""What a claim carries of the policy in force, as the home of observing programs has it."""

from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from consumers import homes
from consumers.homes import Home
from events.op_asks import ClaimOp, HandOverOp, ReleaseOp
from events.program_policy import ObservingPrograms
from service.cli.op_asking import _by_policy

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CLAIM = ClaimOp(lease_from=NOW, program="p")


class ASession:
    """A session whose site has this policy."""

    @contextmanager
    def client(self):
        yield SimpleNamespace(engine=None, actor="somebody")


KNOWN, STRANGE = "0000-0002-1825-0097", "0000-0001-5109-3700"
PEOPLE = ({"orcid": KNOWN, "name": "Josiah Carberry", "actors": ["josiah"]},)


def by_policy(monkeypatch, request, **policy):
    home = Home(ObservingPrograms.model_validate(policy))
    monkeypatch.setattr(homes, "Homes", lambda _engine: SimpleNamespace(now=lambda: home))
    session: Any = ASession()
    return _by_policy(session, request)


@pytest.mark.parametrize(
    ("orcid", "claimant", "said"),
    [
        (KNOWN, "josiah", None),
        (
            KNOWN,
            "ann",
            f"the ORCID {KNOWN} is that of Josiah Carberry, who asks as josiah, found ann; say your own",
        ),
        (
            STRANGE,
            "ann",
            "wanted that of one of the 1 people who are known here; have it entered in the home's",
        ),
        (None, "ann", None),
    ],
)
def test_where_people_have_to_be_known_a_claim_carries_what_speaks_against_its_orcid(
    monkeypatch, orcid, claimant, said
):
    asked = (
        CLAIM.model_copy(update={"orcid": orcid, "claimant": claimant}),
        HandOverOp(lease_from=NOW, to=claimant, orcid=orcid),
    )
    for request in asked:
        told = by_policy(monkeypatch, request, claims="known", people=PEOPLE)
        assert told.orcid_wanted
        assert (told.orcid_against is None) if said is None else (said in told.orcid_against)
        assert "orcid_against" in type(told).attached
        assert by_policy(monkeypatch, request, claims="with_orcid", people=PEOPLE).orcid_against is None


def test_who_asks_is_who_claims_unless_another_is_named(monkeypatch):
    mine = by_policy(monkeypatch, CLAIM.model_copy(update={"orcid": KNOWN}), claims="known", people=PEOPLE)
    assert "found somebody; say your own" in mine.orcid_against


@pytest.mark.parametrize("claims", ["anybody", "with_orcid", "known"])
def test_a_claim_says_what_is_wanted_now_and_stays_the_same_request(monkeypatch, claims):
    home = Home(ObservingPrograms(claims=claims))
    monkeypatch.setattr(homes, "Homes", lambda _engine: SimpleNamespace(now=lambda: home))
    session: Any = ASession()
    for request in (CLAIM, HandOverOp(lease_from=NOW, to="bob")):
        told = _by_policy(session, request)
        assert told.wire()["orcid_wanted"] is (claims != "anybody")
        assert "orcid_wanted" in type(told).attached, "as the world is; what is asked is the same"
    assert _by_policy(session, ReleaseOp()) == ReleaseOp()
