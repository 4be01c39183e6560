"""The token a request carries, and the doorkeeper who asks whether its sender may come in."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from shipway.kube.access import Access
from shipway.kube.errors import ApiError

AccessReview = Callable[[str], Awaitable[Access]]
"""Asks what the sender of a token may do."""


def bearer_token(request: web.Request) -> str | None:
    """The token of `Authorization: Bearer TOKEN`; None without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def doorkeeper(review: AccessReview) -> Middleware:
    """Lets those in whom the API server would: 401 to strangers, 403 to those without the right, 503 when in doubt."""

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        token = bearer_token(request)
        if token is None:
            return _refusal(401, "send a token as `Authorization: Bearer TOKEN`")
        try:
            access = await review(token)
        except ApiError as error:
            return _refusal(503, f"the API server cannot be asked whose token this is: {error}")
        if access is Access.UNKNOWN:
            return _refusal(401, "the token is not valid; it may have expired")
        if access is Access.DENIED:
            return _refusal(403, f"the token's user needs a ClusterRole with `get` on nonResourceURLs {request.path}")
        return await handler(request)

    return admit


def _refusal(status: int, message: str) -> web.Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return web.Response(status=status, text=message, headers=headers)
