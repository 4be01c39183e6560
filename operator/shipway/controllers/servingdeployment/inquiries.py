"""The gates that ask somebody: what is asked of whom in a step of a release, and what they say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from shipway.analysis.answers import Told, judged
from shipway.analysis.gate_types.promql import Limit, PromQL
from shipway.analysis.gate_types.webhook import Webhook
from shipway.analysis.judgement import Judgement
from shipway.api.v1alpha1.gates import Gate, Verdict
from shipway.api.v1alpha1.servingdeployment import RolloutStatus, ServingDeploymentSpec, VersionRef
from shipway.integrations.inquiries import Inquiry, InquiryBoard
from shipway.integrations.kserve import short_hash
from shipway.integrations.prometheus import Prometheus
from shipway.integrations.webhook import Webhooks
from shipway.kube.resource import Key

SCHEMA = 1
"""Version of the question that webhooks get."""
NOT_CONFIGURED = "the operator knows no Prometheus; set the chart's prometheus.url"


@dataclass(frozen=True)
class Step:
    """What a question is about.

    Attributes:
        key: The ServingDeployment.
        rollout: The rollout, with at least one step behind or under way.
        stable: The version that is compared with.
    """

    key: Key
    rollout: RolloutStatus
    stable: VersionRef

    @property
    def token(self) -> str:
        """Names the step."""
        last, bake = self.rollout.history[-1], self.rollout.state == "Baking"
        return f"{self.rollout.id}/{last.index}/{last.weight}/{last.started_at}{'/bake' if bake else ''}"

    def query(self, text: str) -> str:
        """A query with its placeholders filled in; names of objects need no quoting."""
        rollout, stable = self.rollout, self.stable
        names = {
            "namespace": self.key.namespace,
            "service": rollout.inference_service,
            "stableService": stable.inference_service,
            "version": rollout.version,
            "stableVersion": stable.version,
        }
        return re.sub(r"\{\{(\w+)\}\}", lambda match: names[match[1]], text)

    def question(self) -> Mapping[str, object]:
        """What webhooks get."""
        last = self.rollout.history[-1]
        return {
            "schema": SCHEMA,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "rollout": self.rollout.id,
            "step": last.index,
            "weight": last.weight,
            "version": self.rollout.version,
            "stableVersion": self.stable.version,
        }


@dataclass(frozen=True)
class Inquirer:
    """Has the gates' questions asked.

    Attributes:
        board: Asks in the background.
        webhooks: Asks Services.
        prometheus: Asks Prometheus; None where the operator knows none.
    """

    board: InquiryBoard
    webhooks: Webhooks
    prometheus: Prometheus | None = None

    def judgements(
        self, key: Key, spec: ServingDeploymentSpec, rollout: RolloutStatus, stable: VersionRef | None
    ) -> Mapping[str, Judgement]:
        """What the gates say that ask; each begins to ask when the new version gets traffic."""
        if stable is None or not rollout.history or not rollout.history[-1].weight:
            self.board.forget(key)
        else:
            step, gates = Step(key, rollout, stable), short_hash(spec.rollout.to_wire(), length=8)
            self.board.follow(key, f"{step.token}/{gates}", list(self._inquiries(spec, step)))
        return {**self.board.judgements(key), **self._impossible(spec)}

    def forget(self, key: Key) -> None:
        """Ask no more for a release."""
        self.board.forget(key)

    def _inquiries(self, spec: ServingDeploymentSpec, step: Step) -> Iterator[Inquiry[Any]]:
        for gate in spec.rollout.gates:
            if gate.query is not None and gate.type == "PromQL" and self.prometheus is not None:
                ask = partial(self.prometheus.number, step.query(gate.query))
                yield Inquiry(gate.name, gate.interval_seconds, ask, PromQL(_limit(gate)))
            elif gate.service is not None and gate.type == "Webhook":
                hook = partial(self.webhooks.opinion, step.key.namespace, gate.service, step.question())
                yield Inquiry(gate.name, gate.interval_seconds, hook, Webhook())

    def _impossible(self, spec: ServingDeploymentSpec) -> Mapping[str, Judgement]:
        """Told before the new version gets traffic: nobody else will answer these."""
        if self.prometheus is not None:
            return {}
        found = judged(Verdict.ERROR, NOT_CONFIGURED, Told(0, ""))
        return {gate.name: found for gate in spec.rollout.gates if gate.type == "PromQL"}


def _limit(gate: Gate) -> Limit:
    return Limit(float(gate.limit or 0), gate.worse, gate.failures, gate.measurements)
