"""`POST /labels`: what predictions turned out to be worth, told by the ids of the answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError

from shipway_workloads.serving import prediction_id
from shipway_workloads.serving.labels import LateLabels
from shipway_workloads.serving.middleware import App, Receive, Scope, Send

PATH = "/labels"
MAX_BODY_BYTES = 256 * 1024


class Label(BaseModel):
    """The label of one prediction: 1 for what was predicted, such as a click, and 0 for its absence."""

    id: Annotated[str, Field(max_length=2048)]
    instance: int = 0
    label: Annotated[int, Field(ge=0, le=1)]


class Labels(BaseModel):
    """The body."""

    labels: Annotated[list[Label], Field(max_length=1000)]


class LabelIntake:
    """ASGI middleware: takes labels, and passes everything else on.

    Args:
        app: Who answers everything else.
        labels: Where they are counted.
    """

    def __init__(self, app: App, *, labels: LateLabels) -> None:
        self._app = app
        self._labels = labels

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with how many were counted, or with 400 and what is wrong."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        response = await self._take(Request(scope, receive))
        await response(scope, receive, send)

    async def _take(self, request: Request) -> JSONResponse:
        try:
            labels = Labels.model_validate_json(await _body(request)).labels
            answers = [(prediction_id.read(label.id), label) for label in labels]
            for answer, label in answers:
                self._labels.check(answer, label.instance)
        except ValidationError as error:
            first = error.errors()[0]
            return _refusal(f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}")
        except ValueError as error:
            return _refusal(str(error))
        counted = [self._labels.label(answer, it.instance, positive=it.label == 1) for answer, it in answers]
        return JSONResponse({"counted": sum(counted), "tooLate": len(counted) - sum(counted)})


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise ValueError(f"the body is longer than {MAX_BODY_BYTES} bytes; send fewer labels at a time")
    return bytes(body)


def _refusal(error: str) -> JSONResponse:
    return JSONResponse({"error": error[:500]}, status_code=400)
