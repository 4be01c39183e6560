"""The model that the KServe server asks: V1 instances in, probabilities out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import kserve  # type: ignore[import-untyped]
import torch
from kserve.errors import InferenceError, InvalidInput  # type: ignore[import-untyped]

from shipway_workloads import digest
from shipway_workloads.serving import prediction_id
from shipway_workloads.storage import FileStore
from shipway_workloads.termination import WorkloadError
from shipway_workloads.training import artifact
from shipway_workloads.training.artifact import (
    Artifact,
    MissingItemRowError,
    RowIndex,
    UnknownItemError,
    UnknownUserError,
)

MAX_INSTANCES = 1024
WARM_UP_BATCHES = (1, 1, 1, 8, 64, 1)
WARM_UP_ROUNDS = 10

_log = logging.getLogger(__name__)


class ServingReason(StrEnum):
    """Why a predictor never becomes ready, beside the reasons of storage and artifact."""

    DIGEST_MISMATCH = "DigestMismatch"


class BadRequestError(InvalidInput):  # type: ignore[misc]
    """The request is wrong: HTTP 400."""


class BrokenArtifactError(InferenceError):  # type: ignore[misc]
    """The request is right and this artifact cannot answer it: HTTP 500."""


class RankerModel(kserve.Model):  # type: ignore[misc]
    """Serves one artifact from a local folder.

    Args:
        name: Name in the URL.
        folder: The artifact's folder.
        expected_digest: OMS root digest that the folder must have, `sha256:…`; None skips the check.
        answered: Told the predictions of every answer; gives the id of that, or nothing.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        expected_digest: str | None,
        answered: Callable[[Sequence[float]], str],
    ) -> None:
        super().__init__(name, return_response_headers=True)
        self._answered = answered
        self._folder = folder
        self._expected = expected_digest
        self._artifact: Artifact
        self._index: RowIndex
        self.digest = ""

    def load(self) -> bool:
        """Verifies, reads and warms up the artifact.

        Raises:
            WorkloadError: DigestMismatch, InvalidArtifact or a storage reason; the server must not start then.
        """
        self.digest = digest.of_store(FileStore(self._folder)).digest
        self._verify()
        torch.set_num_threads(1)
        self._artifact = artifact.load(self._folder)
        self._index = RowIndex(self._artifact)
        self._warm_up()
        self.ready = True
        return True

    def predict(
        self,
        payload: Any,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002
        response_headers: dict[str, str] | None = None,
    ) -> dict[str, list[float]]:
        """Scores `{"instances": [{"user": 196, "item": 242}, ...]}`.

        Returns:
            `{"predictions": [0.83, ...]}`, probabilities in the order asked.

        Raises:
            BadRequestError: The request is malformed, or names a user or an item that the model never knew.
            BrokenArtifactError: The artifact lacks the row of an item of its own catalogue.
        """
        pairs = _pairs(payload)
        try:
            user_rows = [self._index.user_row(user) for user, _ in pairs]
            item_rows = [self._index.item_row(item) for _, item in pairs]
        except (UnknownUserError, UnknownItemError) as error:
            raise BadRequestError(str(error)) from None
        except MissingItemRowError as error:
            raise BrokenArtifactError(str(error)) from None
        predictions = self._score(user_rows, item_rows)
        if (id_ := self._answered(predictions)) and response_headers is not None:
            response_headers[prediction_id.HEADER] = id_
        return {"predictions": predictions}

    def _score(self, user_rows: list[int], item_rows: list[int]) -> list[float]:
        with torch.inference_mode():
            logits = self._artifact.model(torch.tensor(user_rows), torch.tensor(item_rows))
            scores: list[float] = torch.sigmoid(logits).tolist()
        return scores

    def _verify(self) -> None:
        if self._expected is None:
            _log.warning("SHIPWAY_MODEL_DIGEST is not set: serving %s unverified", self.digest)
            return
        if self.digest != self._expected:
            raise WorkloadError(
                ServingReason.DIGEST_MISMATCH,
                f"the artifact in {self._folder} hashes to {self.digest}, the model version says {self._expected};"
                " it was changed after it was published, and is not served",
            )

    def _warm_up(self) -> None:
        for size in WARM_UP_BATCHES * WARM_UP_ROUNDS:
            users = [row % len(self._artifact.users) for row in range(size)]
            items = [row % len(self._artifact.items) for row in range(size)]
            self._score(users, items)


def expected_digest(environ: Mapping[str, str] = os.environ) -> str | None:
    """SHIPWAY_MODEL_DIGEST, or None when it is not set."""
    return environ.get("SHIPWAY_MODEL_DIGEST") or None


def _pairs(payload: Any) -> list[tuple[int, int]]:
    if isinstance(payload, bytes):  # KServe decodes only what says that it is JSON
        raise BadRequestError("the header content-type must be application/json")
    instances = payload.get("instances") if isinstance(payload, dict) else None
    if not isinstance(instances, list) or not instances:
        raise BadRequestError('the body must be {"instances": [{"user": 196, "item": 242}, ...]} with one or more')
    if len(instances) > MAX_INSTANCES:
        raise BadRequestError(f"{len(instances)} instances are too many, send at most {MAX_INSTANCES} a request")
    return [(_id(entry, place, "user"), _id(entry, place, "item")) for place, entry in enumerate(instances)]


def _id(entry: Any, place: int, field: str) -> int:
    value = entry.get(field) if isinstance(entry, dict) else None
    if type(value) is not int:
        raise BadRequestError(f"instances[{place}].{field} must be an integer id")
    return value
