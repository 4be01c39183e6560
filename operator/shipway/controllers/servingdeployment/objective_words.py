"""What a budget that burns is called in words: what was bad, how much of it, and since when it was read."""

from shipway.analysis.burn import Burn
from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.objectives import Objective

_SPANS = {60: "the last hour", 360: "the last 6 hours"}


def burning_words(objective: Objective, burn: Burn, *, now: float) -> str:
    """Such as: 2.1 % of 41,200 answers failed in the last hour, 21 times what the budget of 0.1 % allows."""
    window = burn.lasting.long
    count = burn.counts[window]
    full = burn.read >= 60 * window
    span = f"in {_SPANS[window]}" if full else f"since {rfc3339(now - burn.read)}, when reading began"
    times = f"{_times(burn.rate(window))} times what the budget of {_percent(burn.budget)} allows"
    ebbing = "" if burn.holding else "; it is not certain yet that this is over"
    return f"{_percent(count.share)} of {count.trials:,} answers {_bad(objective)} {span}, {times}{ebbing}"


def unknown_words(objective: Objective) -> str:
    """What it takes to know: the same words for as long as it is not known."""
    needed = "it takes five minutes in which every replica is read and somebody asks"
    if objective.type != "Metric":
        return needed
    return f"{needed}, and answers with the header x-shipway-metric-{objective.metric or objective.name}"


def _bad(objective: Objective) -> str:
    if objective.type == "Availability":
        return "failed"
    if objective.type == "Latency":
        return f"took more than {objective.milliseconds} ms"
    limit = f"above {objective.at_most}" if objective.at_most is not None else f"below {objective.at_least}"
    return f"came while {objective.metric or objective.name} was {limit}"


def _times(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
