"""Just enough of a Kubernetes client to ask whether things are ready and to apply the lab's own objects."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shipway_lab.errors import LabError

_FIELD_MANAGER = "shipway-lab"
_RETRY_SECONDS = 0.1


class KubeApi:
    """A client with a certificate, for one apiserver."""

    def __init__(self, url: str, pki: Path, user: str = "admin") -> None:
        """Create the client; nothing is sent yet.

        Args:
            url: Address of the apiserver.
            pki: Folder with the authority's and the user's certificates.
            user: Name of the certificate to use.
        """
        self._url = url
        self._context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self._context.load_cert_chain(pki / f"{user}.crt", pki / f"{user}.key")

    def get(self, path: str, *, timeout: float = 5.0) -> Any:
        """The decoded answer to a GET.

        Raises:
            LabError: The API answered with an error.
            OSError: The API did not answer.
        """
        return self._send("GET", path, None, timeout)

    def apply(self, document: Mapping[str, Any], *, timeout: float = 30.0, dry_run: bool = False) -> None:
        """Server-side apply of one object, taking over fields that others own.

        Args:
            document: The object.
            timeout: Seconds to wait for the answer.
            dry_run: Whether it is only checked, webhooks included, and not stored.

        Raises:
            LabError: The API refused it; the message names the object and gives the reason.
            OSError: The API did not answer.
        """
        path = f"{_path(document)}?fieldManager={_FIELD_MANAGER}&force=true{'&dryRun=All' if dry_run else ''}"
        self._send("PATCH", path, document, timeout)

    def apply_all(self, documents: Iterable[Mapping[str, Any]], *, within: float = 30.0) -> None:
        """Apply objects in order, repeating what is refused only because something just applied is not served yet.

        Raises:
            LabError: An object was still refused after `within` seconds.
        """
        for document in documents:
            deadline = time.monotonic() + within
            while True:
                try:
                    self.apply(document)
                    break
                except LabError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(_RETRY_SECONDS)

    def define(self, definitions: Iterable[Mapping[str, Any]], *, within: float = 30.0) -> None:
        """Apply custom resource definitions and wait until each is served.

        A controller that starts earlier finds some kinds and not others, and gives up.

        Raises:
            LabError: A definition is refused or not served after `within` seconds.
        """
        applied = list(definitions)
        self.apply_all(applied, within=within)
        deadline = time.monotonic() + within
        waiting = [each for each in applied if each["kind"] == "CustomResourceDefinition"]
        while waiting := [each for each in waiting if not self._serves(each)]:
            if time.monotonic() > deadline:
                names = ", ".join(each["metadata"]["name"] for each in waiting)
                raise LabError(f"not served {within:.0f} s after they were defined: {names}")
            time.sleep(_RETRY_SECONDS)

    def _serves(self, definition: Mapping[str, Any]) -> bool:
        spec = definition["spec"]
        versions = [version["name"] for version in spec["versions"] if version["served"]]
        try:
            lists = [self.get(f"/apis/{spec['group']}/{version}")["resources"] for version in versions]
        except LabError:
            return False
        return all(any(each["name"] == spec["names"]["plural"] for each in listed) for listed in lists)

    def _send(self, method: str, path: str, body: Any, timeout: float) -> Any:
        request = urllib.request.Request(f"{self._url}{path}", method=method)  # noqa: S310
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/apply-patch+yaml")
        try:
            with urllib.request.urlopen(request, context=self._context, timeout=timeout) as answer:  # noqa: S310
                return _decode(answer.read())
        except urllib.error.HTTPError as error:
            status = _decode(error.read())
            reason = status.get("message", status) if isinstance(status, dict) else status
            raise LabError(f"{method} {path}: {error.code} {reason}") from error


def condition(document: Mapping[str, Any], kind: str) -> bool:
    """Whether the object carries the condition with status True."""
    conditions = document.get("status", {}).get("conditions", [])
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


def _path(document: Mapping[str, Any]) -> str:
    group = document["apiVersion"]
    metadata = document["metadata"]
    kind = document["kind"].lower()
    plural = f"{kind}es" if kind.endswith("s") else f"{kind}s"
    root = f"/apis/{group}" if "/" in group else f"/api/{group}"
    namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{namespace}/{plural}/{metadata['name']}"


def _decode(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
