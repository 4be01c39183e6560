"""Whether whoever sends us a token may get a path of ours, as RBAC's `nonResourceURLs` say."""

import time
from collections.abc import Callable
from enum import StrEnum

from shipway.kube.by_token import AnswersByToken
from shipway.kube.client import Client
from shipway.kube.identity import AUDIENCE, User, user_of
from shipway.kube.resource import SUBJECT_ACCESS_REVIEW

REMEMBER_SECONDS = 30.0
"""A right that is taken away counts this long at most."""


class Access(StrEnum):
    """What the API server says of a token and a path."""

    GRANTED = "Granted"
    DENIED = "Denied"
    UNKNOWN = "Unknown"
    """It is nobody's token."""


class AccessReviewer:
    """Asks the API server who it is (TokenReview) and whether they may (SubjectAccessReview).

    Both a token for the API server, which Prometheus has, and one for our own audience will do: the latter is of no use
    to whoever might read it on the way.

    Args:
        client: To ask with.
        path: The path they want to get.
        monotonic: Seconds of a clock that only goes forward.
    """

    def __init__(self, client: Client, *, path: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._path = path
        self._answers = AnswersByToken(self._ask, seconds=REMEMBER_SECONDS, monotonic=monotonic)

    async def review(self, token: str) -> Access:
        """What the sender of the token may do.

        Raises:
            ApiError: the API server could not be asked.
        """
        return await self._answers.get(token)

    async def _ask(self, token: str) -> Access:
        user = await user_of(self._client, token, audience=None)
        if user is None:
            user = await user_of(self._client, token, audience=AUDIENCE)
        if user is None:
            return Access.UNKNOWN
        return Access.GRANTED if await self._may_get(user) else Access.DENIED

    async def _may_get(self, user: User) -> bool:
        body = {
            "apiVersion": SUBJECT_ACCESS_REVIEW.api_version,
            "kind": SUBJECT_ACCESS_REVIEW.kind,
            "metadata": {},
            "spec": {
                "user": user.get("username", ""),
                **{part: user[part] for part in ("uid", "groups", "extra") if user.get(part)},
                "nonResourceAttributes": {"path": self._path, "verb": "get"},
            },
        }
        answer = await self._client.create(SUBJECT_ACCESS_REVIEW, body)
        return bool((answer.get("status") or {}).get("allowed"))
