"""Kubernetes Events: what happened to an object, for `kubectl describe`."""

import hashlib
import logging
from datetime import UTC, datetime
from typing import Any

from shipway.kube.client import Client
from shipway.kube.errors import AlreadyExistsError, ApiError
from shipway.kube.resource import EVENT, Object
from shipway.runtime.plan import Note

COMPONENT = "shipway.dev/operator"
NOTE_LIMIT = 1024
REASON_LIMIT = 128

log = logging.getLogger(__name__)


class EventRecorder:
    """Sends notes as Events, as best it can: an Event that is refused must not fail what it tells of.

    The same note on the same version of an object has the same name, so it is sent once.
    """

    def __init__(self, client: Client, *, instance: str) -> None:
        self._client = client
        self._instance = instance

    async def send(self, obj: Object, note: Note, now: float) -> None:
        """Create the Event; that it exists is success."""
        try:
            await self._client.create(EVENT, event_body(obj, note, now=now, instance=self._instance))
        except AlreadyExistsError:
            return
        except ApiError as error:
            log.warning("event %s could not be sent: %s", note.reason, error)


def event_body(obj: Object, note: Note, *, now: float, instance: str) -> Object:
    """The events.k8s.io/v1 Event of a note on an object.

    Args:
        obj: The object as it was when the note was decided.
        note: What to say.
        now: Unix seconds.
        instance: The operator's pod.
    """
    meta: dict[str, Any] = obj["metadata"]
    regarding = {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": meta["name"],
        "namespace": meta.get("namespace", ""),
        "uid": meta["uid"],
        "resourceVersion": meta["resourceVersion"],
    }
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": _name(meta, note), "namespace": meta.get("namespace") or "default"},
        "eventTime": datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": COMPONENT,
        "reportingInstance": instance[:128],
        "action": "Reconcile",
        "reason": note.reason[:REASON_LIMIT],
        "type": note.type,
        "note": note.message[:NOTE_LIMIT],
        "regarding": regarding,
    }


def _name(meta: dict[str, Any], note: Note) -> str:
    text = "\0".join((meta["uid"], meta["resourceVersion"], note.type, note.reason, note.message))
    return f"{meta['name'][:200]}.{hashlib.sha256(text.encode()).hexdigest()[:16]}"
