"""A Service of the namespace that says what it thinks of a version: one POST, one small answer.

It is asked at its cluster IP, which the API server has given it: a name could lead anywhere, by an ExternalName or by
what DNS says a moment later.
"""

import json
from collections.abc import Mapping
from typing import Literal

import aiohttp
from pydantic import BaseModel, Field
from yarl import URL

from shipway.analysis.answers import NoAnswer
from shipway.analysis.gate_types.webhook import Opinion
from shipway.api.v1alpha1.gates import Verdict, WebhookService
from shipway.integrations.answer import asked, body_of, one_line
from shipway.kube.client import Client
from shipway.kube.errors import ApiError, NotFoundError
from shipway.kube.resource import SERVICE
from shipway.kube.wire import AS_IT_COMES

MAX_MESSAGE = 256
"""Characters of what a Service says; all of them are shown."""


class Webhooks:
    """Asks Services.

    Args:
        client: To find them with.
        session: To ask with.
    """

    def __init__(self, client: Client, *, session: aiohttp.ClientSession) -> None:
        self._client = client
        self._session = session

    async def opinion(
        self, namespace: str, service: WebhookService, question: Mapping[str, object]
    ) -> Opinion | NoAnswer:
        """What a Service says, or in words why it says nothing.

        Args:
            namespace: The release's own.
            service: Whom to ask.
            question: The JSON to post.
        """
        return await asked(_who(service), self._opinion(namespace, service, question))

    async def _opinion(
        self, namespace: str, service: WebhookService, question: Mapping[str, object]
    ) -> Opinion | NoAnswer:
        address = await self._address(namespace, service)
        if isinstance(address, NoAnswer):
            return address
        url = URL.build(scheme="http", host=address, port=service.port, path=service.path)
        headers = {"Host": f"{service.name}.{namespace}.svc", "Content-Type": "application/json", **AS_IT_COMES}
        async with self._session.post(
            url, data=json.dumps(question), headers=headers, allow_redirects=False, auto_decompress=False
        ) as response:
            if response.status != 200:
                return NoAnswer(f"{_who(service)} answered with status {response.status} instead of 200")
            answer = _Answer.model_validate_json(await body_of(response))
        return Opinion(Verdict(answer.verdict), one_line(answer.message, at_most=MAX_MESSAGE))

    async def _address(self, namespace: str, service: WebhookService) -> str | NoAnswer:
        try:
            found = await self._client.get(SERVICE, namespace, service.name)
        except NotFoundError:
            return NoAnswer(f"{_who(service)} does not exist in this namespace")
        except ApiError as error:
            return NoAnswer(one_line(f"{_who(service)}: {error}"))
        address = str(found["spec"].get("clusterIP") or "None")
        if address == "None" or found["spec"].get("type") == "ExternalName":
            return NoAnswer(f"{_who(service)} has no cluster IP; only one that has can be asked")
        return address


class _Answer(BaseModel):
    verdict: Literal["Pass", "NoEvidenceOfHarm", "Fail", "Inconclusive"]
    message: str = Field(default="", max_length=MAX_MESSAGE)


def _who(service: WebhookService) -> str:
    return f"Service {service.name}"
