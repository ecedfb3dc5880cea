"""The bench of verdicts, small, on a site of its own: every finding is seen, and the audit of all of it is clean."""

import pytest

from consumers.policies import criteria
from service.bench.programs import bench_programs
from service.settings import Settings


@pytest.mark.long
def test_every_finding_of_two_turns_is_seen_and_what_passes_is_staged(tmp_path):
    result = bench_programs(Settings(data=tmp_path / "data"), programs=40, times=2, progress=lambda _: None)
    figure, staged = result.figures
    assert figure.ratio > 0
    assert all(of_all >= verdicts for of_all, verdicts in zip(staged.runs, figure.runs, strict=True))
    for each in figure.each:
        assert each["findings"] == 40 * len(criteria(None).rules)
        assert 0 < each["passed"] < 40
        assert each["died"] == []
    assert {count for audit in result.audits for count in audit["counters"].values()} == {0}
