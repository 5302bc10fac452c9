"""Latency statistics: quantiles within five per cent, forgotten in time; the peak average shuns what became slow."""

from penstock.admission.targets.latency import LatencyQuantiles, LatencySettings, LatencyStatistics, PeakEwma
from penstock.testing.chance import rng_for


def test_quantiles_are_within_six_per_cent_of_the_exact_ones() -> None:
    rng = rng_for("latencies")
    samples = [rng.lognormvariate(0.0, 1.0) for _ in range(5_000)]
    quantiles = LatencyQuantiles(1e9)
    for sample in samples:
        quantiles.add(sample, 0.0)
    samples.sort()
    for fraction in (0.1, 0.5, 0.9, 0.95, 0.99):
        exact = samples[int(fraction * len(samples))]
        estimate = quantiles.quantile(fraction, now_s=0.0)
        assert estimate is not None
        assert abs(estimate / exact - 1.0) < 0.06


def test_a_new_latency_is_learned_and_the_old_one_forgotten() -> None:
    statistics = LatencyStatistics(LatencySettings(half_life_s=60.0))
    for second in range(300):
        statistics.add(0.1, float(second))
    for second in range(300, 600):
        statistics.add(1.0, float(second))
    assert (statistics.quantile_s(0.5, 600.0) or 0.0) > 0.9


def test_too_few_samples_are_no_quantile() -> None:
    statistics = LatencyStatistics(LatencySettings(min_samples=20))
    for _ in range(19):
        statistics.add(0.1, 0.0)
    assert statistics.quantile_s(0.9, 0.0) is None
    statistics.add(0.1, 0.0)
    assert statistics.quantile_s(0.9, 0.0) is not None
    assert statistics.quantile_s(0.9, 10_000.0) is None, "and old ones do not count"


def test_extreme_latencies_stay_within_bounded_memory() -> None:
    quantiles = LatencyQuantiles(60.0)
    for latency_s in (0.0, 1e-9, 1e9):
        quantiles.add(latency_s, 0.0)
    assert (quantiles.quantile(0.5, now_s=0.0) or 1.0) <= 0.001
    assert (quantiles.quantile(1.0, now_s=0.0) or 0.0) > 1_000.0


def test_the_peak_average_rises_at_once_and_falls_by_and_by() -> None:
    peak = PeakEwma(10.0)
    peak.add(0.1, 0.0)
    peak.add(2.0, 1.0)
    assert peak.value_s == 2.0
    peak.add(0.1, 2.0)
    assert peak.value_s > 1.5
    peak.add(0.1, 60.0)
    assert peak.value_s < 0.2


def test_quick_failures_do_not_look_like_speed() -> None:
    statistics = LatencyStatistics(LatencySettings())
    statistics.add(0.5, 0.0)
    statistics.add_failure(0.001, 1.0)
    assert statistics.peak.value_s >= 1.0
