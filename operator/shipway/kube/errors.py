"""What the API server answers when it does not do what was asked, as exceptions that carry its own words."""

from typing import Any

Details = dict[str, Any]


class ApiError(Exception):
    """An answer other than success.

    Args:
        message: The server's own sentence.
        code: HTTP status; 0 when there was no answer at all.
        reason: The CamelCase reason of the server's Status.
        details: The server's `details`, such as the causes of an invalid object.
        retry_after: Seconds the server asked to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int = 0,
        reason: str = "",
        details: Details | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.details = details or {}
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return False

    def __str__(self) -> str:
        return f"{self.reason or type(self).__name__}: {self.message}"


class BadRequestError(ApiError):
    """400: the request itself is malformed."""


class UnauthorizedError(ApiError):
    """401: the token is missing, expired or wrong."""


class ForbiddenError(ApiError):
    """403: not allowed by RBAC, a quota, Pod Security or an admission policy; the message says which."""


class NotFoundError(ApiError):
    """404: the object is gone, or the server does not serve the resource."""


class ConflictError(ApiError):
    """409: the object has changed since the resourceVersion or uid the request carries."""


class AlreadyExistsError(ApiError):
    """409: an object of that name exists."""


class GoneError(ApiError):
    """410: the resourceVersion is too old to watch or page on from; list again."""


class InvalidError(ApiError):
    """422: the object breaks the schema or a rule; the message names the field."""


class ThrottledError(ApiError):
    """429: too many requests."""

    @property
    def retryable(self) -> bool:
        """Yes, after `retry_after` seconds."""
        return True


class ServerError(ApiError):
    """5xx: the server or a webhook failed."""

    @property
    def retryable(self) -> bool:
        """Yes."""
        return True


class UnreachableError(ApiError):
    """No answer: refused, reset, timed out or cut off."""

    @property
    def retryable(self) -> bool:
        """Yes."""
        return True


_BY_CODE: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    422: InvalidError,
    429: ThrottledError,
}


def from_status(code: int, status: Any, *, retry_after: float | None = None) -> ApiError:
    """The exception for an HTTP status and the decoded body (a Kubernetes Status, or whatever a proxy said)."""
    body = status if isinstance(status, dict) else {"message": str(status)[:1000]}
    code = int(body.get("code") or code)
    reason = str(body.get("reason") or "")
    type_: type[ApiError] = ServerError if code >= 500 else _BY_CODE.get(code, ApiError)
    if reason == "AlreadyExists":
        type_ = AlreadyExistsError
    message = str(body.get("message") or f"HTTP {code}")
    details = body.get("details")
    return type_(
        message,
        code=code,
        reason=reason,
        details=details if isinstance(details, dict) else None,
        retry_after=retry_after,
    )
