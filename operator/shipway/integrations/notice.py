"""What people are told of an incident, and what whoever carries it must be able to do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """How far an incident is; each is told once, and what is over is not told afterwards."""

    OPENED = "Opened"
    MITIGATED = "Mitigated"
    RESOLVED = "Resolved"


@dataclass(frozen=True)
class Notice:
    """One incident as it is now.

    Attributes:
        uid: Of the Incident: two notices of one uid and stage are the same one, sent twice.
        stage: How far it is.
        type: Rollback, GateError, SLOBurn, StaleFeatures, TrainingHang, or what a newer operator has made.
        namespace: Where it is.
        name: Of the Incident.
        severity: Critical, Major or Minor.
        owner: The Team, or what the Model names where there is none.
        team: The Team whose namespace it is; empty where there is none. Nobody can name another's.
        on_call: Whom to page.
        model: The Model; empty of a training without an output.
        version: The version that was taken back, is released, is the stable one, or is to be made.
        gate: The gate that failed or cannot tell, the verb, the objective, or `hang`.
        summary: A sentence with the numbers.
        runbook: A link; empty when there is none.
        detected_at: RFC 3339.
    """

    uid: str
    stage: Stage
    type: str
    namespace: str
    name: str
    severity: str
    owner: str
    team: str
    on_call: str
    model: str
    version: str
    gate: str
    summary: str
    runbook: str
    detected_at: str

    @property
    def headline(self) -> str:
        """What has happened, in a line."""
        if self.type == "GateError":
            return f"{self.model} {self.version} is released and its gates cannot tell: {self.gate}"
        if self.type == "SLOBurn":
            return f"{self.model} uses up its error budget too fast: {self.gate}"
        if self.type == "StaleFeatures":
            return f"{self.model} has features that are old or missing: {self.gate}"
        if self.type == "TrainingHang":
            what = f"the training of {self.model} {self.version}" if self.model else "a training"
            return f"{what} hangs: {self.name}"
        if self.type == "Rollback":
            return f"{self.model} {self.version} was taken back: {self.gate}"
        return f"{self.type} of {self.model or self.name}: {self.gate}"


@dataclass(frozen=True)
class Outcome:
    """What came of the last try to tell a receiver.

    Attributes:
        stage: What it was to be told.
        at: Unix seconds of the answer.
        problem: Why it may not have arrived; empty when it has.
    """

    stage: Stage
    at: float
    problem: str = ""


class NotDeliveredError(Exception):
    """The receiver did not take it; the message says why and names neither address nor key."""


class Receiver(Protocol):
    """One way to tell people. A notice may come twice, and must then be known by its uid and stage."""

    refresh_seconds: float | None
    """After how long a notice of what is not resolved is sent again; None where once is enough."""

    async def send(self, notice: Notice) -> None:
        """Hand it over.

        Raises:
            NotDeliveredError: it was not taken.
        """
        ...
