"""The line through samples is that of least squares, in units of a minute."""

import statistics

import pytest

from tests.chaos.vitals import trend


def test_a_measure_that_grows_has_its_slope_in_a_minute_and_its_growth_over_all() -> None:
    found = trend([0.0, 60.0, 120.0], [10.0, 12.0, 14.0])

    assert [found.mean, found.slope, found.growth] == pytest.approx([12.0, 2.0, 4.0])


def test_a_measure_that_goes_up_and_down_has_no_slope() -> None:
    found = trend([0.0, 1.0, 2.0, 3.0], [5.0, 7.0, 7.0, 5.0])

    assert found.slope == pytest.approx(0.0)


def test_one_sample_has_no_trend() -> None:
    with pytest.raises(statistics.StatisticsError):
        trend([1.0], [1.0])
