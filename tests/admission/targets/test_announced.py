"""What providers say of their limits is read as they mean it.  The values are from recorded answers where there are."""

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.admission.targets.announced import NOTHING_ANNOUNCED, ProviderLimits, Quota, read_limits

NOON = 1_754_136_510.0  # Sat, 02 Aug 2025 12:08:30 GMT


def the_quota(headers: dict[str, str]) -> Quota:
    (quota,) = read_limits(headers, now=NOON).quotas
    return quota


def test_openai_names_requests_and_tokens_with_go_durations() -> None:
    limits = read_limits(
        {
            "x-ratelimit-limit-requests": "500",
            "x-ratelimit-limit-tokens": "200000",
            "x-ratelimit-remaining-requests": "499",
            "x-ratelimit-remaining-tokens": "199772",
            "x-ratelimit-reset-requests": "120ms",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        now=NOON,
    )
    assert limits.quotas == (
        Quota(unit="requests", limit=500, remaining=499, reset_s=0.12),
        Quota(unit="tokens", limit=200_000, remaining=199_772, reset_s=360.0),
    )


def test_azure_names_its_period_and_then_means_milliseconds() -> None:
    limits = read_limits(
        {
            "x-ratelimit-limit-requests": "120",
            "x-ratelimit-remaining-requests": "119",
            "x-ratelimit-renewalperiod-requests": "60",
            "x-ratelimit-reset-requests": "500",
        },
        now=NOON,
    )
    assert limits.quotas == (Quota(unit="requests", limit=120, remaining=119, reset_s=0.5, period_s=60.0),)


def test_azures_minus_one_is_no_limit() -> None:
    headers = {"x-ratelimit-limit-tokens": "-1", "x-ratelimit-remaining-tokens": "-1", "x-ratelimit-reset-tokens": "0"}
    assert read_limits(headers, now=NOON).quotas == ()


def test_anthropics_reset_is_taken_by_the_answers_own_clock() -> None:
    headers = {
        "date": "Wed, 16 Oct 2024 05:02:23 GMT",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2024-10-16T05:02:55Z",
    }
    assert the_quota(headers) == Quota(unit="requests", limit=50, remaining=49, reset_s=32.0)
    assert the_quota({**headers, "date": ""}).reset_s == 0.0, "long ago, by our clock"


def test_anthropic_counts_input_and_output_apart() -> None:
    headers = {
        f"anthropic-ratelimit-{kind}-tokens-{what}": "80000"
        for kind in ("input", "output")
        for what in ("limit", "remaining")
    }
    assert [quota.unit for quota in read_limits(headers, now=NOON).quotas] == ["input_tokens", "output_tokens"]


def test_mistrals_window_stands_in_the_name() -> None:
    headers = {"x-ratelimit-limit-req-10-second": "60", "x-ratelimit-remaining-req-10-second": "53"}
    assert the_quota(headers) == Quota(unit="requests", limit=60, remaining=53, period_s=10.0)
    headers = {"x-ratelimit-limit-tokens-minute": "2000000", "x-ratelimit-remaining-tokens-minute": "1999893"}
    assert the_quota(headers) == Quota(unit="tokens", limit=2_000_000, remaining=1_999_893, period_s=60.0)


def test_a_bare_reset_is_seconds_or_a_unix_time() -> None:
    headers = {"x-ratelimit-limit": "2", "x-ratelimit-remaining": "1"}
    assert the_quota({**headers, "x-ratelimit-reset": "2"}).reset_s == 2.0
    assert the_quota({**headers, "x-ratelimit-reset": str(int(NOON) + 7)}).reset_s == 7.0
    assert the_quota({**headers, "x-ratelimit-reset": str(int(NOON + 7) * 1000)}).reset_s == 7.0


def test_both_forms_of_the_draft_standard_are_read() -> None:
    young = {"ratelimit-policy": '"default";q=100;w=60', "ratelimit": '"default";r=50;t=30'}
    old = {
        "ratelimit-policy": "100;w=60",
        "ratelimit-limit": "100",
        "ratelimit-remaining": "50",
        "ratelimit-reset": "30",
    }
    wanted = Quota(unit="requests", limit=100, remaining=50, reset_s=30.0, period_s=60.0)
    assert the_quota(young) == the_quota(old) == wanted


def test_retry_after_is_milliseconds_seconds_or_a_date() -> None:
    def wait_s(**headers: str) -> float | None:
        return read_limits({name.replace("_", "-"): text for name, text in headers.items()}, now=NOON).retry_after_s

    assert wait_s(retry_after="7") == 7.0
    assert wait_s(retry_after="7", retry_after_ms="1500") == 1.5
    assert wait_s(retry_after="Sat, 02 Aug 2025 12:09:00 GMT") == 30.0
    assert wait_s(retry_after="Sat, 02 Aug 2025 12:00:00 GMT") == 0.0
    assert wait_s(retry_after="soon") is None


def test_an_answer_without_such_headers_says_nothing() -> None:
    assert read_limits({"content-type": "application/json", "x-request-id": "1"}, now=NOON) is NOTHING_ANNOUNCED


NAMES = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "ratelimit",
        "ratelimit-policy",
        "ratelimit-remaining",
        "ratelimit-limit",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
        "x-ratelimit-renewalperiod-tokens",
        "x-ratelimit-remaining-req-0-second",
        "x-ratelimit-limit-req-0-second",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-reset",
        "date",
    ]
)
VALUES = st.text(max_size=12) | st.sampled_from(
    [
        "1",
        "-1",
        "nan",
        "inf",
        "1e999",
        "9" * 400,
        "6m0s",
        "1s1s",
        "2025-08-02T12:00:00Z",
        "0001-01-01T00:00:00",
        ";r=9",
        ";q=" + "9" * 400,
    ]
)


@given(st.dictionaries(NAMES, VALUES))
@settings(deadline=None, max_examples=300)
def test_nonsense_is_left_out_and_never_raises(headers: dict[str, str]) -> None:
    limits: ProviderLimits = read_limits(headers, now=NOON)
    for quota in limits.quotas:
        assert 0.0 < quota.limit < float("inf")
        assert 0.0 <= quota.remaining <= quota.limit
        assert quota.reset_s is None or 0.0 <= quota.reset_s < float("inf")
        assert quota.period_s is None or 0.0 < quota.period_s < float("inf")
    assert limits.retry_after_s is None or 0.0 <= limits.retry_after_s < float("inf")
