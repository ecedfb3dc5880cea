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
        yield SimpleNamespace(engine=None)


@pytest.mark.parametrize("claims", ["anybody", "with_orcid"])
def test_a_claim_says_what_is_wanted_now_and_stays_the_same_request(monkeypatch, claims):
    home = Home(ObservingPrograms(claims=claims))
    monkeypatch.setattr(homes, "Homes", lambda _engine: SimpleNamespace(now=lambda: home))
    session: Any = ASession()
    for request in (CLAIM, HandOverOp(lease_from=NOW, to="bob")):
        told = _by_policy(session, request)
        assert told.wire()["orcid_wanted"] is (claims == "with_orcid")
        assert "orcid_wanted" in type(told).attached, "as the world is; what is asked is the same"
    assert _by_policy(session, ReleaseOp()) == ReleaseOp()
