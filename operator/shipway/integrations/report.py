"""A training pod's progress report, as it is posted and as it is kept."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shipway.api.schema import ApiModel, ShortText, Time, Uri

Number = Annotated[str, Field(max_length=32, pattern=r"^(-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?|-?inf|nan)$")]
"""A number as text; a loss may have left the finite ones, and that is worth hearing."""


class Activity(StrEnum):
    """What rank 0 does instead of steps."""

    COMPILING = "Compiling"
    LOADING_DATA = "LoadingData"
    CHECKPOINTING = "Checkpointing"
    EVALUATING = "Evaluating"


class CheckpointReport(ApiModel):
    """The newest complete checkpoint."""

    step: Annotated[int, Field(ge=0)]
    """Step it was taken after."""
    uri: Uri
    """Where it lies."""
    time: Time
    """When it was complete."""


class Report(ApiModel):
    """What rank 0 says every few seconds."""

    attempt: Annotated[int, Field(ge=1)]
    """The attempt it belongs to."""
    step: Annotated[int, Field(ge=0)]
    """Optimizer steps done."""
    total_steps: Annotated[int, Field(ge=0)] = 0
    """Steps planned."""
    loss: Number | None = None
    """Mean training loss over all ranks."""
    samples_per_second: Number | None = None
    """Training samples per second over all ranks."""
    checkpoint: CheckpointReport | None = None
    """The newest complete checkpoint."""
    activity: Activity | None = None
    """What it does instead of steps just now, which may take longer than one."""
    time: ShortText = ""
    """When it was sent, by the pod's clock; kept for people, decides nothing."""
    received_at: float = 0
    """Unix seconds, by the operator's clock."""
