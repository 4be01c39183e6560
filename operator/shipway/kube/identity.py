"""Who sends us a token: a TokenReview for our own audience, remembered for a minute."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from shipway.kube.client import Client
from shipway.kube.resource import TOKEN_REVIEW

AUDIENCE = "shipway.dev"
REMEMBER_SECONDS = 60.0
CAPACITY = 4096
_PREFIX = "system:serviceaccount:"


@dataclass(frozen=True)
class ServiceAccountIdentity:
    """A service account, and the pod it speaks from when the token is bound to one."""

    namespace: str
    name: str
    uid: str
    pod: str | None = None


class TokenReviewer:
    """Asks the API server whose token it is. Tokens themselves are not kept, only their hashes."""

    def __init__(self, client: Client, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[float, ServiceAccountIdentity | None]] = {}

    async def review(self, token: str) -> ServiceAccountIdentity | None:
        """The service account whose valid token of our audience this is; None for any other text.

        Raises:
            ApiError: the API server could not be asked.
        """
        digest = hashlib.sha256(token.encode()).digest()
        now = self._monotonic()
        if (known := self._known.get(digest)) and now - known[0] < REMEMBER_SECONDS:
            return known[1]
        identity = await self._ask(token)
        if len(self._known) >= CAPACITY:
            self._known = {d: (t, i) for d, (t, i) in self._known.items() if now - t < REMEMBER_SECONDS}
        if len(self._known) < CAPACITY:
            self._known[digest] = (now, identity)
        return identity

    async def _ask(self, token: str) -> ServiceAccountIdentity | None:
        body = {
            "apiVersion": TOKEN_REVIEW.api_version,
            "kind": TOKEN_REVIEW.kind,
            "metadata": {},
            "spec": {"token": token, "audiences": [AUDIENCE]},
        }
        status = (await self._client.create(TOKEN_REVIEW, body)).get("status") or {}
        if not status.get("authenticated") or AUDIENCE not in (status.get("audiences") or []):
            return None
        user = status.get("user") or {}
        username = user.get("username") or ""
        if not username.startswith(_PREFIX):
            return None
        namespace, _, name = username.removeprefix(_PREFIX).partition(":")
        extra = user.get("extra") or {}
        return ServiceAccountIdentity(
            namespace=namespace,
            name=name,
            uid=user.get("uid") or "",
            pod=next(iter(extra.get("authentication.kubernetes.io/pod-name") or []), None),
        )
