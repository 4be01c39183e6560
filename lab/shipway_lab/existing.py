"""A cluster that is there already: says what Shipway would find in it and what it would miss. Changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from shipway_lab import kubeapi
from shipway_lab.errors import LabError

_OLDEST = (1, 30)
_GATEWAY_GROUP = "gateway.networking.k8s.io"
_KSERVE_GROUP = "serving.kserve.io"
_SECONDS = 10


@dataclass(frozen=True)
class Finding:
    """One thing a cluster has or lacks.

    Attributes:
        subject: What was looked at.
        found: What is there; empty if it is missing.
        cure: What would help; shown if it is missing.
    """

    subject: str
    found: str = ""
    cure: str = ""

    def line(self) -> str:
        """As a line of the report."""
        return f"ok      {self.subject}: {self.found}" if self.found else f"lacks   {self.subject}: {self.cure}"


def inspect(kubeconfig: Path | None) -> list[Finding]:
    """Look at everything that Shipway needs of a cluster.

    Args:
        kubeconfig: Its kubeconfig; None for the usual places.

    Raises:
        LabError: The file is no kubeconfig, or the API does not answer.
    """
    try:
        api: client.ApiClient = config.new_client_from_config(  # type: ignore[no-untyped-call]
            str(kubeconfig) if kubeconfig else None
        )
    except (ConfigException, OSError) as error:
        raise LabError(f"--kubeconfig {kubeconfig or '(default)'}: {error}") from error
    api.configuration.retries = False
    try:
        return list(_findings(api))
    except HTTPError as error:
        raise LabError(f"no answer from {api.configuration.host}: {error}") from error


def _findings(api: client.ApiClient) -> Iterator[Finding]:
    yield _version(api)
    yield _may_define(api)
    yield _served(
        api,
        "Gateway API",
        _GATEWAY_GROUP,
        {"v1": {"gatewayclasses", "gateways", "httproutes"}},
        "apply the CRDs of the Gateway API, version 1.3 or newer",
    )
    yield _gateway(api)
    yield _served(
        api,
        "KServe",
        _KSERVE_GROUP,
        {"v1beta1": {"inferenceservices"}, "v1alpha1": {"clusterstoragecontainers"}},
        "install KServe 0.15 or newer in Standard (RawDeployment) mode",
    )


def _version(api: client.ApiClient) -> Finding:
    found = client.VersionApi(api).get_code(_request_timeout=_SECONDS)
    numbers = tuple(int(re.sub(r"\D", "", part) or 0) for part in (found.major, found.minor))
    wanted = f"{found.git_version} is too old; Shipway needs {_OLDEST[0]}.{_OLDEST[1]} or newer"
    where = f"{found.git_version} at {api.configuration.host}"
    return Finding("Kubernetes", where if numbers >= _OLDEST else "", wanted)


def _may_define(api: client.ApiClient) -> Finding:
    attributes = client.V1ResourceAttributes(
        verb="create", group="apiextensions.k8s.io", resource="customresourcedefinitions"
    )
    question = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
    )
    answer = client.AuthorizationV1Api(api).create_self_subject_access_review(question, _request_timeout=_SECONDS)
    allowed = answer.status is not None and answer.status.allowed
    cure = "this user may not create custom resource definitions; installing needs a cluster administrator"
    return Finding("Rights", "may install custom resource definitions" if allowed else "", cure)


def _served(api: client.ApiClient, subject: str, group: str, wanted: dict[str, set[str]], cure: str) -> Finding:
    missing = {
        f"{resource}.{version}.{group}"
        for version, resources in wanted.items()
        for resource in resources - _resources(api, group, version)
    }
    found = f"{group} {', '.join(wanted)}"
    return Finding(subject, "" if missing else found, f"not served: {', '.join(sorted(missing))}; {cure}")


def _resources(api: client.ApiClient, group: str, version: str) -> set[str]:
    listed = _unless_absent(lambda: client.CustomObjectsApi(api).get_api_resources(group, version))
    return {resource.name for resource in listed.resources} if listed else set()


def _gateway(api: client.ApiClient) -> Finding:
    listed = _unless_absent(
        lambda: client.CustomObjectsApi(api).list_cluster_custom_object(_GATEWAY_GROUP, "v1", "gateways")
    )
    usable = [_name(gateway) for gateway in (listed or {"items": []})["items"] if _is_usable(gateway)]
    cure = "no Gateway is programmed with an HTTP listener for routes of all namespaces; create one"
    return Finding("Gateway", ", ".join(usable), cure)


def _is_usable(gateway: dict[str, Any]) -> bool:
    return kubeapi.condition(gateway, "Programmed") and any(
        listener.get("allowedRoutes", {}).get("namespaces", {}).get("from") == "All"
        for listener in gateway["spec"]["listeners"]
        if listener["protocol"] in {"HTTP", "HTTPS"}
    )


def _name(gateway: dict[str, Any]) -> str:
    return f"{gateway['metadata']['namespace']}/{gateway['metadata']['name']}"


def _unless_absent(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ApiException as error:
        if error.status == 404:
            return None
        raise LabError(f"the API refused to answer: {error.status} {error.reason}") from error
