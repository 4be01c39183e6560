"""Who sends us a token: a TokenReview for our own audience, remembered for a minute."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shipway.kube.by_token import AnswersByToken
from shipway.kube.client import Client
from shipway.kube.resource import TOKEN_REVIEW

AUDIENCE = "shipway.dev"
REMEMBER_SECONDS = 60.0
_PREFIX = "system:serviceaccount:"

User = Mapping[str, Any]
"""What the API server knows of a user: `username`, `uid`, `groups` and `extra`."""


@dataclass(frozen=True)
class ServiceAccountIdentity:
    """A service account, and the pod it speaks from when the token is bound to one."""

    namespace: str
    name: str
    uid: str
    pod: str | None = None


class TokenReviewer:
    """Asks the API server whose token it is."""

    def __init__(self, client: Client, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._answers = AnswersByToken(self._ask, seconds=REMEMBER_SECONDS, monotonic=monotonic)

    async def review(self, token: str) -> ServiceAccountIdentity | None:
        """The service account whose valid token of our audience this is; None for any other text.

        Raises:
            ApiError: the API server could not be asked.
        """
        return await self._answers.get(token)

    async def _ask(self, token: str) -> ServiceAccountIdentity | None:
        user = await user_of(self._client, token, audience=AUDIENCE)
        username = (user or {}).get("username") or ""
        if user is None or not username.startswith(_PREFIX):
            return None
        namespace, _, name = username.removeprefix(_PREFIX).partition(":")
        extra = user.get("extra") or {}
        return ServiceAccountIdentity(
            namespace=namespace,
            name=name,
            uid=user.get("uid") or "",
            pod=next(iter(extra.get("authentication.kubernetes.io/pod-name") or []), None),
        )


async def user_of(client: Client, token: str, *, audience: str | None) -> User | None:
    """Whose token it is, by a TokenReview; None if it is not valid for the audience.

    Args:
        client: To ask with.
        token: The token.
        audience: Whom it must be meant for; the API server itself when None.

    Raises:
        ApiError: the API server could not be asked.
    """
    body = {
        "apiVersion": TOKEN_REVIEW.api_version,
        "kind": TOKEN_REVIEW.kind,
        "metadata": {},
        "spec": {"token": token, **({"audiences": [audience]} if audience else {})},
    }
    status = (await client.create(TOKEN_REVIEW, body)).get("status") or {}
    # An authenticator that knows no audiences answers none: such a token is good for the API server only.
    if not status.get("authenticated") or (audience and audience not in (status.get("audiences") or [])):
        return None
    return dict(status.get("user") or {})
