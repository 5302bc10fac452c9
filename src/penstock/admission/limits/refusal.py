"""What a caller is told that meets a limit: which one, of whom, and from when on it may succeed."""

from penstock.admission.limits.book import Refused
from penstock.admission.limits.counter import Counter
from penstock.admission.limits.limit import UNITS
from penstock.core.errors import BudgetExhausted, RateLimited

_CONCURRENCY_RETRY_S = 1.0


def refusal(found: Refused, now: float) -> RateLimited | BudgetExhausted:
    """The error.  `now` is the store's time.  `retry_after_s` is None where no wait can help."""
    counter, rule = found.counter, found.counter.rule
    unit = UNITS[counter.unit]
    bound = f"{_amount(counter, counter.amount)}{'' if rule.per is None else f' a {rule.per}'}"
    kind = "budget" if rule.is_budget else "limit"
    of = f"The {kind} `{rule.name}`{_scope(counter)} allows {bound}"
    wait_s: float | None = _CONCURRENCY_RETRY_S if counter.is_level else max(0.0, counter.window.end - now)
    if found.is_hopeless:
        wait_s = None
        advice = "" if unit == "requests" else "; ask for a shorter answer or send less"
        text = f"{of}, and this request may need {_amount(counter, found.cost)}: it can never succeed{advice}."
    elif counter.is_level:
        text = f"{of} at a time, and they are taken: try again when one of them is over."
    else:
        text = f"{of}; {_amount(counter, counter.remaining)} are left and this request may need"
        text = f"{text} {_amount(counter, found.cost)}: try again in {max(1, round(wait_s or 0))} s."
    error = BudgetExhausted if rule.is_budget else RateLimited
    refused = error(text, retry_after_s=wait_s)
    refused.retry = "never" if found.is_hopeless else "same"
    return refused


def describe(counter: Counter, cost: int) -> str:
    """A limit that a request meets, and what it may need of it."""
    per = f" a {counter.rule.per}" if counter.rule.per is not None else " at a time"
    kind = "budget" if counter.rule.is_budget else "limit"
    shadow = ", which only watches" if counter.rule.is_shadow else ""
    bound = f"allows {_amount(counter, counter.amount)}{per}{shadow}"
    return f"{kind} `{counter.rule.name}`{_scope(counter)} {bound}; {_amount(counter, cost)} reserved"


def unpriced(counter: Counter, model: str) -> BudgetExhausted:
    """What is spent at a price that nobody knows cannot be kept within a budget."""
    text = (
        f"The price of `{model}` is not known, and `{counter.rule.name}`{_scope(counter)} bounds what may be spent:"
        " an operator must set a price."
    )
    return BudgetExhausted(text)


def _scope(counter: Counter) -> str:
    pairs = zip(counter.rule.dimension_names, counter.scoped, strict=True)
    shown = ", ".join(f"{name} {value}" for name, value in pairs if value is not None)
    return f" ({shown})" if shown else ""


def _amount(counter: Counter, amount: int) -> str:
    match UNITS[counter.unit]:
        case "money":
            return f"${amount / 1e9:,.6f}".rstrip("0").rstrip(".")
        case "concurrency":
            return f"{amount:,} requests"
        case unit:
            return f"{amount:,} {unit.replace('_', ' ')}"
