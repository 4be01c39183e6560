"""Five ways to tell Argo Rollouts when a canary is bad, all sharper than what its manual shows.

`s60` and `s30` are what a careful team would set, `agg` and `raw` what an impatient one would; `env` asks the gateway
itself and is the most impatient that works.
"""

from dataclasses import dataclass

THRESHOLD = 0.05
"""Share of errors that is too much; a rule of this kind knows nothing of stable."""


@dataclass(frozen=True)
class Setting:
    """How often is looked at what.

    Attributes:
        scrape: Seconds between two looks of Prometheus at a pod.
        window: Seconds over which the rate is taken; 0 for all answers since the pod's start.
        interval: Seconds between two measurements.
        failures: How many may fail.
        gateway: Whether the gateway's counters are asked instead of the pods'.
    """

    scrape: int
    window: int
    interval: int
    failures: int
    gateway: bool = False


SETTINGS = {
    "s60": Setting(scrape=5, window=60, interval=5, failures=1),
    "s30": Setting(scrape=5, window=30, interval=5, failures=0),
    "agg": Setting(scrape=1, window=3, interval=1, failures=0),
    "raw": Setting(scrape=1, window=0, interval=1, failures=0),
    "env": Setting(scrape=1, window=3, interval=1, failures=0, gateway=True),
}
