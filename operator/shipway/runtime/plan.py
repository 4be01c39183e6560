"""What a reconciler decides: a list of writes, one status, events, and when to look again. Values only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shipway.kube.resource import Object, Resource


@dataclass(frozen=True)
class Create:
    """Create an object once; that it exists already is success (names are deterministic)."""

    resource: Resource
    body: Object
    read_as_sent: bool = False
    """Whether nothing is read of it that the server adds, its metadata aside: then the answer is no more than that."""
    regardless: bool = False
    """Whether it is made even where the API server refused a write before it: somebody is to be called all the more."""


@dataclass(frozen=True)
class Apply:
    """Server-side apply of all the fields we own, forced; a create where no such object is known.

    It is refused with a conflict when the object has changed since the `metadata.resourceVersion` of the body or, where
    it has none, since the version that is known.
    """

    resource: Resource
    body: Object


@dataclass(frozen=True)
class Delete:
    """Delete exactly this incarnation; that it is gone already is success."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    grace_seconds: int | None = None
    version: str = ""
    """The resourceVersion it was decided on, for what is changed too: refused once it has changed."""


@dataclass(frozen=True)
class PatchStatus:
    """Merge into the status of ANOTHER object than the one reconciled, as it is known."""

    resource: Resource
    namespace: str
    name: str
    patch: Mapping[str, Any]


Write = Create | Apply | Delete | PatchStatus


@dataclass(frozen=True)
class Note:
    """A Kubernetes Event on the reconciled object, sent only after the status was written."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True)
class Refusal:
    """A write the API server understood and will not do (403 or 422): quota, Pod Security, a rule of the schema."""

    write: Write
    invalid: bool
    """True for 422: the same body is refused for ever. False for 403: it may pass later."""
    message: str
    """The API server's own words."""


@dataclass(frozen=True)
class Plan:
    """The outcome of one reconcile.

    The executor performs `writes` in order, then writes `status` if it differs from what is stored (carrying the
    resourceVersion the decision was made on), then sends `events`, then asks for another look in `requeue_after`
    seconds, at once for 0. A failed write ends the pass; the key is retried with backoff and the reconciler decides
    anew. Where the API server refused it (403 or 422) and `refused` is given, what is to be made regardless is made
    first, and the status that `refused` makes of it is written, under the same rules.
    """

    writes: tuple[Write, ...] = ()
    status: Object | None = None
    events: tuple[Note, ...] = ()
    requeue_after: float | None = None
    refused: Callable[[Refusal], Object] | None = None


class TerminalError(Exception):
    """The object cannot be reconciled until its spec changes: no retry.

    Args:
        reason: CamelCase reason for the Stalled condition.
        message: What is wrong with which field, and what would be right.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
