from hypothesis import example, given
from hypothesis import strategies as st

from consumers.policies import criteria
from machines.program.criteria import Criteria
from machines.program.histogram import draw, histograms
from machines.program.verdict import judge
from machines.program.what_if import compare, of_the_op, outcome
from tests.machines.program.building import a_dataset

VISP = criteria()


def changed(name: str, **members) -> Criteria:
    """VISP with one criterion otherwise."""
    dumped = VISP.model_dump(by_alias=True)
    rules = [{**each, **members} if each["name"] == name else each for each in dumped["criterion"]]
    return Criteria.model_validate({**dumped, "version": 2, "criterion": rules})


OPS = {
    "good": {"id.1": [a_dataset("A")], "id.2": [a_dataset("B", instrument="VBI")]},
    "blue": {"id.3": [a_dataset("C", say={"wavelength_min_nm": 396.0, "wavelength_max_nm": 397.0})]},
    "ill": {"id.4": [a_dataset("D", say={"health.good": 280})]},
    "context": {"id.5": [a_dataset("E", instrument="VBI")]},
}


def test_relaxed_criteria_say_which_ops_would_flip_and_by_which_criterion():
    found = compare(OPS.items(), VISP, changed("fe_i_630", required=False))
    assert (found.ops, found.pass_before, found.pass_after) == (4, 1, 2)
    (flip,) = found.flips
    assert (flip.op_id, flip.before, flip.after) == ("blue", "fail", "pass")
    assert flip.programs == (("id.3", "fail", "pass"),)
    assert flip.because == ("fe_i_630: not met, would be not asked",)


def test_another_threshold_and_other_instruments_flip_too():
    found = compare(OPS.items(), VISP, changed("health", threshold=0.7))
    assert [(each.op_id, each.because) for each in found.flips] == [
        ("ill", ("health: not met, would be met",))
    ]
    both = Criteria.model_validate({**VISP.model_dump(by_alias=True), "instruments": ["VISP", "VBI"]})
    assert [(each.op_id, each.programs[0][1:]) for each in compare(OPS.items(), VISP, both).flips] == [
        ("good", ("not_applicable", "pass")), ("context", ("not_applicable", "pass")),
    ]  # fmt: skip


def test_the_same_criteria_flip_nothing():
    assert compare(OPS.items(), VISP, VISP).flips == ()


def test_an_op_is_what_the_best_of_its_programs_is():
    assert of_the_op([]) == "not_applicable"
    assert of_the_op(["not_applicable", "fail"]) == "fail"
    assert of_the_op(["fail", "pass", "not_applicable"]) == "pass"


def test_what_if_says_what_the_verdict_says():
    for programs in OPS.values():
        for name, datasets in programs.items():
            assert outcome(datasets, VISP)[0] == judge(name, datasets, VISP).outcome


SHARES = st.lists(st.none() | st.integers(0, 400), min_size=1, max_size=60)


@given(SHARES)
@example([0, 300])
@example([0] * 200 + [400])
@example([400] * 200 + [0])
def test_a_histogram_counts_every_value_once_and_the_threshold_divides_met_from_not(counts):
    datasets = [a_dataset(f"D{n}", say={"health.good": each}) for n, each in enumerate(counts)]
    (health, *_) = histograms(outcome(datasets, VISP)[1])
    assert (health.criterion, health.threshold) == ("health", 0.75)
    assert sum(bar.total for bar in health.bars) + health.unmeasured == len(counts)
    for bar in health.bars:
        assert bar.low is not None
        assert bar.met == (bar.total if bar.low >= 0.75 - 1e-9 else 0)
    drawn = draw(health)
    assert len(drawn) == 1 + len(health.bars) + 1 + bool(health.unmeasured)
    assert all(len(line) < 100 for line in drawn)


def test_texts_are_counted_and_ranges_by_how_far_they_are_off():
    datasets = [a_dataset("A"), a_dataset("B", say={"stokes": "I"}), a_dataset("C", say={"stokes": None})]
    drawn = {each.criterion: each for each in histograms(outcome(datasets, VISP)[1])}
    assert [(bar.label, bar.total, bar.met) for bar in drawn["stokes"].bars] == [("I", 1, 0), ("IQUV", 1, 1)]
    assert drawn["stokes"].unmeasured == 1
    assert (drawn["on_disk"].of_what, drawn["on_disk"].threshold) == ("margin of farthest_corner_arcsec", 0.0)
    assert drawn["polarimetric_accuracy"].unmeasured == 3


def test_one_absurd_value_does_not_flatten_the_rest():
    values = [0.05 + n / 10_000 for n in range(500)] + [1.2e14]
    datasets = [a_dataset(f"D{n}", say={"fried_m.med": each}) for n, each in enumerate(values)]
    fried = histograms(outcome(datasets, VISP)[1])[-1]
    assert len([bar for bar in fried.bars if bar.total > 10]) > 5
    assert fried.bars[-1].label.startswith("≥")


def test_many_absurd_values_do_not_flatten_the_rest_either():
    values = [0.05 + n / 10_000 for n in range(500)] + [5.0 + n for n in range(100)]
    datasets = [a_dataset(f"D{n}", say={"fried_m.med": each}) for n, each in enumerate(values)]
    fried = histograms(outcome(datasets, VISP)[1])[-1]
    assert len([bar for bar in fried.bars if bar.total > 10]) > 5
    assert (fried.bars[-1].label[0], fried.bars[-1].total >= 100) == ("≥", True)
    assert sum(bar.total for bar in fried.bars) == len(values)
