"""Predictors' counters folded into minutes of each objective: restarts, newcomers and gaps told from good answers.

What a pod answered before it is read for the first time is not counted: it may have been mirrored, or years ago.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from shipway.analysis.burn import WINDOWS, Burn, Minutes
from shipway.analysis.objective import counted
from shipway.api.v1alpha1.objectives import Objective
from shipway.integrations.tally import Counters, Target

PERIOD_SECONDS = 15.0
"""Between two looks."""
SILENCE_SECONDS = 60.0
"""How long a replica may be silent before it is a gap: four looks."""


@dataclass(frozen=True)
class Duty:
    """What to read for one deployment.

    Attributes:
        objectives: What is asked of the answers.
        targets: The pods that answer.
    """

    objectives: tuple[Objective, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Budgets:
    """What is known of one deployment.

    Attributes:
        burns: By objective.
        problem: Why not everything could be read for a minute; empty when it could, or reading has just begun.
    """

    burns: Mapping[str, Burn] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class _Ledger:
    """The minutes of one objective, from when reading for it began."""

    objective: Objective
    began: float
    minutes: Minutes

    def burn(self, now: float, *, steady_since: float) -> Burn:
        counts = {length: self.minutes.window(now, length) for length in WINDOWS}
        steady = now - max(self.began, steady_since)
        return Burn(self.objective.budget, counts, read=now - self.began, steady=steady)

    def goes_on_with(self, objective: Objective) -> bool:
        """Whether the same answers are good; the target only says how many are to be."""
        return _asks(self.objective) == _asks(objective)


class BudgetFollower:
    """One deployment: its pods, how far each was read, and the minutes of its objectives. Does no I/O.

    Args:
        duty: What to read.
        monotonic: Seconds that only grow.
    """

    def __init__(self, duty: Duty, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._duty = duty
        self._steady_since = monotonic()
        self._positions: dict[str, Counters] = {}
        self._heard: dict[str, float] = {}
        self._errors: dict[str, str] = {}
        self._ledgers: dict[str, _Ledger] = {}
        self._emptied = monotonic()
        self._told: object = None
        self.assign(duty)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The pods to read."""
        return self._duty.targets

    def assign(self, duty: Duty) -> None:
        """Go on with these pods and objectives; one whose good answers are others now begins anew."""
        now, pods = self._monotonic(), {target.pod for target in duty.targets}
        if self._duty.targets and not duty.targets:
            self._emptied = now
        self._duty = duty
        self._heard = {pod: self._heard.get(pod, now) for pod in pods}
        for memory in (self._positions, self._errors):
            for gone in memory.keys() - pods:
                del memory[gone]
        self._ledgers = {objective.name: self._ledger(objective) for objective in duty.objectives}

    def take(self, answers: Mapping[Target, Counters | str]) -> bool:
        """Fold one round of answers in; whether there is something new to decide on."""
        now, samples = self._monotonic(), []
        for target, answer in answers.items():
            if target not in self.targets:
                continue
            if isinstance(answer, str):
                self._errors[target.pod] = answer
                continue
            self._errors.pop(target.pod, None)
            self._heard[target.pod] = now
            if (earlier := self._positions.get(target.pod)) is not None:
                samples.append(answer.since(earlier))
            self._positions[target.pod] = answer
        for ledger in self._ledgers.values():
            ledger.minutes.add(now, counted(ledger.objective, samples))
        if self._silent():
            self._steady_since = now
        return self._is_news()

    def reading(self) -> Budgets:
        """What is known now."""
        now = self._monotonic()
        burns = {name: ledger.burn(now, steady_since=self._steady_since) for name, ledger in self._ledgers.items()}
        return Budgets(burns, self._silent())

    def _ledger(self, objective: Objective) -> _Ledger:
        known = self._ledgers.get(objective.name)
        if known is not None and known.goes_on_with(objective):
            return replace(known, objective=objective)
        return _Ledger(objective, self._monotonic(), Minutes())

    def _is_news(self) -> bool:
        """Whether what it would be decided on has changed: a thousand deployments that do well wake nobody."""
        reading = self.reading()
        signs = [(name, burn.holding, burn.over, burn.enough, burn.idle) for name, burn in reading.burns.items()]
        state = signs, bool(reading.problem)
        told, self._told = self._told, state
        return state != told

    def _silent(self) -> str:
        """The first pod that was silent for too long, in words."""
        now = self._monotonic()
        if not self.targets:
            return "no replica is ready that answers" if now - self._emptied > SILENCE_SECONDS else ""
        late = [target.pod for target in self.targets if now - self._heard[target.pod] > SILENCE_SECONDS]
        if not late:
            return ""
        return f"the counters of pod {late[0]} cannot be read: {self._errors.get(late[0], 'no answer yet')}"


def _asks(objective: Objective) -> tuple[object, ...]:
    return objective.type, objective.milliseconds, objective.metric, objective.at_most, objective.at_least
