"""The id of an answer, by which its labels are told later.

It says itself what was predicted, by which version and when: so any replica can count a label, also after the one that
answered is gone, and nothing has to be kept for those whose label never comes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

HEADER = "x-shipway-prediction-id"
MAX_PREDICTIONS = 64
"""Predictions of one answer that an id can hold; gateways bound the headers of an answer."""


@dataclass(frozen=True)
class Answer:
    """What an id says.

    Attributes:
        version: The version that answered.
        at: When, in whole seconds since the epoch.
        predictions: Its predictions, each a probability with four digits.
    """

    version: str
    at: int
    predictions: tuple[float, ...]


def write(version: str, at: float, predictions: Sequence[float]) -> str:
    """The id; empty where the answer has more predictions than an id can hold."""
    if len(predictions) > MAX_PREDICTIONS:
        return ""
    text = f"{version}/{int(at)}/{','.join(f'{prediction:.4g}' for prediction in predictions)}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def read(id_: str) -> Answer:
    """What an id says.

    Raises:
        ValueError: It is none.
    """
    try:
        version, at, predictions = base64.b64decode(id_, altchars=b"-_", validate=True).decode().split("/")
        answer = Answer(version, int(at), tuple(map(float, predictions.split(","))))
    except (ValueError, binascii.Error):
        raise ValueError(f"{id_[:80]!r} is not the id of a prediction; send the header {HEADER} as it came") from None
    if not all(0 <= prediction <= 1 for prediction in answer.predictions):
        raise ValueError("an id with a prediction that is no probability")
    return answer
