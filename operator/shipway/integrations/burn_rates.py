"""How fast error budgets are used up, for whoever scrapes the operator: of every deployment that is read."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from shipway.integrations.budgets import Budgets
from shipway.kube.resource import Key


class BurnRates(Collector):
    """The rates as a gauge.

    Args:
        readings: What is known now, by deployment.
    """

    def __init__(self, readings: Callable[[], Mapping[Key, Budgets]]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The newest numbers; a window that is not full counts as far as it was read."""
        rate = GaugeMetricFamily(
            "shipway_objective_burn_rate",
            "How many times as fast as the budget allows it is used up.",
            labels=["namespace", "name", "objective", "window"],
        )
        for key, budgets in self._readings().items():
            for objective, burn in budgets.burns.items():
                for minutes in burn.counts:
                    rate.add_metric([key.namespace, key.name, objective, _window(minutes)], burn.rate(minutes))
        yield rate


def _window(minutes: int) -> str:
    """Its length as Prometheus writes it."""
    return f"{minutes}m" if minutes % 60 else f"{minutes // 60}h"
