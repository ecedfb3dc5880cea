import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from consumers.policies import readiness
from events.op_parts import Cover
from machines.program import forecast as forecast_module
from machines.program.forecast import Arrivals
from machines.program.readiness import Evidence, ReadinessPolicy, ReadinessRule, assess
from machines.program.readiness_study import calibration, fixed, quiet, study
from tests.machines.program.building import a_dataset

DAY = timedelta(days=1)
T0 = datetime(2023, 1, 10, tzinfo=UTC)
RULE = ReadinessRule(instruments=("*",), by=("manifest", "ready_event", "quiet_period"), quiet_days=7)
WORDS_ONLY = ReadinessRule(instruments=("*",), by=("manifest", "ready_event"))


def made(*days: float):
    return [a_dataset(f"D{n}", created_at=T0 + each * DAY) for n, each in enumerate(days)]


def cover(datasets):
    return Cover.of((each.dataset, each.digest) for each in datasets)


def test_an_old_catalogue_closes_at_once_and_a_new_one_when_it_was_silent_long_enough():
    datasets = made(0, 1)
    assert assess(RULE, datasets, [], at=T0 + 300 * DAY).by == "quiet_period"
    assert assess(RULE, datasets, [], at=T0 + 8 * DAY).is_closed
    still = assess(RULE, datasets, [], at=T0 + 8 * DAY - timedelta(seconds=1))
    assert (still.is_closed, still.due_at) == (False, T0 + 8 * DAY)


def test_late_data_opens_it_again():
    datasets = made(0, 1)
    ready = Evidence("ready_event", cover(datasets))
    assert assess(RULE, datasets, [ready], at=T0).by == "ready_event"
    late = made(0, 1, 9)
    again = assess(RULE, late, [ready], at=T0 + 9 * DAY)
    assert (again.is_closed, again.due_at) == (False, T0 + 16 * DAY)
    words = assess(WORDS_ONLY, late, [ready], at=T0 + 900 * DAY)
    assert (words.is_closed, words.due_at) == (False, None)
    assert "2 that ready_event was about" in words.because


def test_who_knows_that_something_is_missing_does_not_close_on_silence():
    manifest = Evidence("manifest", expected=3)
    short = assess(RULE, made(0, 1), [manifest], at=T0 + 300 * DAY)
    assert (short.is_closed, short.because) == (
        False, "found 2 datasets, wanted 3 as was announced; or an operator's word",
    )  # fmt: skip
    assert assess(RULE, made(0, 1, 2), [manifest], at=T0).by == "manifest"
    datasets = made(0, 1)
    early = [manifest, Evidence("ready_event", cover(datasets))]
    assert not assess(RULE, datasets, early, at=T0 + 300 * DAY).is_closed
    word = [manifest, Evidence("operator", cover(datasets))]
    assert assess(RULE, datasets, word, at=T0).by == "operator"


def test_a_word_that_the_policy_does_not_take_counts_for_nothing_but_an_operator_s_always_does():
    only_quiet = ReadinessRule(instruments=("*",), by=("quiet_period",), quiet_days=7)
    datasets = made(0)
    assert not assess(only_quiet, datasets, [Evidence("ready_event", cover(datasets))], at=T0).is_closed
    assert assess(only_quiet, datasets, [Evidence("operator", cover(datasets))], at=T0).is_closed


def test_without_dates_no_silence_can_be_counted_and_without_datasets_nothing_is_ready():
    undated = [*made(0), a_dataset("X", created_at=None)]
    found = assess(RULE, undated, [], at=T0 + 900 * DAY)
    assert (found.is_closed, found.due_at) == (False, None)
    assert "X" in found.because
    assert not assess(RULE, [], [Evidence("manifest", expected=0)], at=T0).is_closed


@given(st.lists(st.floats(0, 200), min_size=1, max_size=6), st.floats(0, 400))
def test_silence_closes_exactly_when_it_says_it_will(days, at):
    datasets, now = made(*days), T0 + at * DAY
    found = assess(RULE, datasets, [], at=now)
    assert found.due_at == max(each.created_at for each in datasets if each.created_at) + 7 * DAY
    assert found.is_closed == (now >= found.due_at)


@pytest.mark.parametrize("rules", [
    [{"instruments": ["VISP"], "by": ["manifest"]}], [{"instruments": ["*"], "by": ["quiet_period"]}],
    [{"instruments": ["*"], "by": ["manifest"], "quiet_days": 3}], [],
    [{"instruments": ["*"], "by": ["quiet_period"], "quiet_days": 0}],
])  # fmt: skip
def test_a_policy_that_leaves_something_open_is_refused(rules):
    with pytest.raises(ValidationError):
        ReadinessPolicy.model_validate({"name": "x", "version": 1, "rule": rules})


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["VISP", "VBI", "CRYO"]), min_size=1, max_size=2),
            st.lists(st.sampled_from(["manifest", "ready_event", "operator"]), min_size=1, max_size=2),
        ),
        max_size=4,
    ),
    st.sampled_from(["manifest", "ready_event"]),
)
def test_whose_programs_a_word_closes_is_what_the_rules_say_one_by_one(rules, others):
    told = [{"instruments": instruments, "by": by} for instruments, by in [*rules, (["*"], [others])]]
    policy = ReadinessPolicy.model_validate({"name": "p", "version": 1, "rule": told})
    only, but = policy.closes_by("ready_event")
    for instrument in ("VISP", "VBI", "CRYO", "DL-NIRSP"):
        is_closed = instrument not in but and (only is None or instrument in only)
        assert is_closed == ("ready_event" in policy.rule(instrument).by)


def test_the_first_rule_that_matches_counts():
    visp = {"instruments": ["VISP"], "by": ["manifest"]}
    policy = ReadinessPolicy.model_validate(
        {"name": "x", "version": 1, "rule": [visp, {"instruments": ["*"], "by": ["operator"]}]}
    )
    assert (policy.rule("VISP").by, policy.rule("VBI").by) == (("manifest",), ("operator",))
    assert readiness().rule("VISP").quiet_days == 7


# --- how ways of telling would have done ---

DAYS = st.lists(st.floats(0, 200), min_size=1, max_size=6).map(
    lambda days: [T0 + each * DAY for each in sorted(days)]
)


@given(DAYS, st.floats(0.1, 60))
def test_a_quiet_period_is_early_exactly_where_a_gap_is_longer(created, days):
    silence = days * DAY
    closing = quiet(created, silence)
    gaps = [then - now for now, then in pairwise(created)]
    assert closing.is_early == any(gap > silence for gap in gaps)
    assert closing.reopened == sum(gap > silence for gap in gaps)
    if not closing.is_early:
        assert closing.at == created[-1] + silence
    assert fixed(created, silence).is_early == (created[-1] - created[0] > silence)


def test_a_study_tells_too_early_and_too_late_in_days():
    histories = {
        "whole": ("VISP", [T0, T0 + 0.5 * DAY]), "late": ("VISP", [T0, T0 + 20 * DAY]), "one": ("VBI", [T0]),
    }  # fmt: skip
    rows = {row.policy: row for row in study(histories, unit="program", days=(7, 30))}
    week = rows["quiet 7 d"]
    assert (week.n, week.too_early, week.early_days_median, week.early_days_max, week.reopened) == (
        3,
        1,
        13,
        13,
        1,
    )
    assert (week.late_days_median, week.late_days_max) == (7, 7)
    assert rows["quiet 30 d"].too_early == 0
    assert rows["7 d after the first"].late_days_median == 6.75
    assert (rows["manifest or ready event"].too_early, rows["manifest or ready event"].late_days_max) == (
        0,
        0,
    )
    assert rows["forecast 90 %"].never == 3, "three programs are no experience"


# --- the forecast ---


def programs(n: int, late: int):
    """``late`` of ``n`` programs have a second dataset after ten days, the others have all theirs at once."""
    return [("VISP", [T0, T0 + (10 if each < late else 0) * DAY]) for each in range(n)]


def test_a_forecast_names_the_day_by_which_nine_of_ten_like_cases_were_complete():
    arrivals = Arrivals.of(programs(100, 5), seen_until=T0 + 100 * DAY)
    assert arrivals.forecast("VISP", T0, at=T0).by == T0
    slow = Arrivals.of(programs(100, 30), seen_until=T0 + 100 * DAY)
    assert slow.forecast("VISP", T0, at=T0).by == T0 + 10 * DAY
    after_a_week = slow.forecast("VISP", T0, at=T0 + 7 * DAY)
    assert after_a_week.by == T0 + 10 * DAY
    assert slow.forecast("VISP", T0, at=T0 + 11 * DAY).complete_now == 1.0
    assert "complete with 90 % by 2023-01-20" in str(after_a_week)


def test_too_little_experience_is_no_forecast_and_other_instruments_help_out():
    few = Arrivals.of(programs(5, 0), seen_until=T0 + 100 * DAY).forecast("VISP", T0, at=T0)
    assert few.by is None
    assert "wanted at least 20" in str(few)
    others = Arrivals.of(programs(30, 0), seen_until=T0 + 100 * DAY).forecast("CRYO", T0, at=T0)
    assert (others.by, others.like) == (T0, "all instruments")


def test_programs_that_may_still_go_on_are_no_evidence():
    fresh = [("VISP", [T0 + 95 * DAY])] * 50
    arrivals = Arrivals.of([*programs(30, 30), *fresh], seen_until=T0 + 100 * DAY)
    assert arrivals.forecast("VISP", T0, at=T0).n == 30


@given(st.lists(DAYS, min_size=25, max_size=40), st.floats(0, 100), st.floats(0.5, 0.99))
def test_of_the_cases_it_is_made_from_at_least_the_share_is_complete_by_then(histories, silent, share):
    arrivals = Arrivals.of((("VISP", each) for each in histories), seen_until=T0 + 1000 * DAY)
    forecast = arrivals.forecast("VISP", T0, at=T0 + silent * DAY, share=share)
    like, _ = arrivals.like("VISP", silent * DAY)
    assert forecast.n == len(like)
    assert forecast.complete_now == sum(each.silent is None for each in like) / len(like)
    waits = sorted(each.to_the_last for each in like)
    wanted = T0 + waits[math.ceil(share * len(like) - 1e-9) - 1]
    assert forecast.by == max(wanted, T0 if forecast.complete_now >= share else T0 + silent * DAY)
    if forecast.by is not None:
        held = sum(each.to_the_last <= forecast.by - T0 for each in like)
        assert held >= share * len(like) - 1e-6


def test_a_forecast_after_exactly_a_silence_of_the_past_is_of_those_who_had_been_silent_so_long():
    days = [[0], [0, 10], [0, 3, 10], [0, 3, 3, 20], [0, 20]] * 6
    arrivals = Arrivals.of(
        (("VISP", [T0 + each * DAY for each in one]) for one in days), seen_until=T0 + 100 * DAY
    )
    for silent in (0, 2, 3, 4, 7, 10, 17, 20, 30):
        like, _ = arrivals.like("VISP", silent * DAY)
        forecast = arrivals.forecast("VISP", T0, at=T0 + silent * DAY, share=0.5)
        assert forecast.complete_now == sum(each.silent is None for each in like) / len(like), silent
        wanted = sorted(each.to_the_last for each in like)[14]
        assert forecast.by == T0 + (wanted if forecast.complete_now >= 0.5 else max(wanted, silent * DAY)), (
            silent
        )


def test_very_many_open_programs_are_foretold_by_one_look_at_the_others(monkeypatch):
    """What is settled is walked through once, not once for each that is open."""
    walked = []
    walk = forecast_module._longest_so_far

    def counted(steps):
        walked.append(steps)
        return walk(steps)

    monkeypatch.setattr(forecast_module, "_longest_so_far", counted)
    arrivals = Arrivals.of(programs(100, 30), seen_until=T0 + 100 * DAY)
    for each in range(500):
        arrivals.forecast("VISP", T0, at=T0 + each * 0.1 * DAY)
    assert len(walked) == 100


def test_forecasts_made_from_all_others_hold_about_as_often_as_they_say():
    for late, holding in ((40, 201), (10, 191)):
        histories = {f"p{n}": each for n, each in enumerate(programs(200, late))}
        histories["end"] = ("VISP", [T0 + 100 * DAY])  # until when the catalogue was looked at
        assert calibration(histories, share=0.9) == (holding, 201)
