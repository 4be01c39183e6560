"""The operator's settings, from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


class SettingsError(Exception):
    """A setting is wrong; the message names it and says what would be right."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set from outside."""

    namespaces: tuple[str, ...] = ()
    """Namespaces to watch; all when empty."""
    operator_namespace: str = "shipway-system"
    """Namespace of the operator and of its Lease."""
    workloads_image: str = "ghcr.io/shipway-ml/workloads:0.1.0"
    """Image of training and verify pods that name none."""
    progress_url: str = "http://shipway-operator.shipway-system.svc"
    """Where pods reach this operator's HTTP API."""
    http_port: int = 8080
    """Port of the probes and the progress API; 0 takes a free one of 127.0.0.1."""
    metrics_port: int = 8081
    """Port of /metrics; 0 takes a free one of 127.0.0.1."""
    metrics_everywhere: bool = False
    """Whether /metrics is served on all addresses, and not on 127.0.0.1 only."""
    metrics_authentication: bool = False
    """Whether only those may read /metrics whom the API server knows and RBAC lets."""
    workers: int = 8
    """Keys worked on at a time."""
    max_candidates: int = 0
    """Versions that may be released beside others in one namespace at a time; 0 for no limit."""
    lease: str = ""
    """Name of the Lease that elects a leader; no election when empty."""
    lease_seconds: int = 8
    """How long a silent leader is waited for."""
    sweep_seconds: float = 120.0
    """Seconds between two comparisons of the cache with a list."""
    alertmanager_url: str = ""
    """Where Prometheus' Alertmanager is; nobody is told of incidents when empty."""
    apprise_folder: str = ""
    """Where the addresses lie at which Apprise tells teams of incidents; it tells nobody when empty."""
    prometheus_url: str = ""
    """Where Prometheus is that gates ask; none do when empty."""
    docs_url: str = "https://github.com/shipway-ml/shipway/blob/main/docs"
    """Where this documentation is read, to which an Incident leads whose Model names no runbook."""
    plain_logs: bool = False
    """Log lines for people instead of JSON."""


def from_environment(env: Mapping[str, str] | None = None) -> Settings:
    """The settings of SHIPWAY_* variables; what is unset or empty keeps its default.

    Raises:
        SettingsError: a variable has a value that cannot be meant.
    """
    env = os.environ if env is None else env
    default = Settings()
    return Settings(
        namespaces=tuple(name.strip() for name in env.get("SHIPWAY_NAMESPACES", "").split(",") if name.strip()),
        operator_namespace=env.get("SHIPWAY_OPERATOR_NAMESPACE") or default.operator_namespace,
        workloads_image=env.get("SHIPWAY_WORKLOADS_IMAGE") or default.workloads_image,
        progress_url=(env.get("SHIPWAY_PROGRESS_URL") or default.progress_url).rstrip("/"),
        http_port=_integer(env, "SHIPWAY_HTTP_PORT", default.http_port, 0, 65535),
        metrics_port=_integer(env, "SHIPWAY_METRICS_PORT", default.metrics_port, 0, 65535),
        metrics_everywhere=_choice(env, "SHIPWAY_METRICS_BIND", ("localhost", "all")) == "all",
        metrics_authentication=_choice(env, "SHIPWAY_METRICS_AUTHENTICATION", ("false", "true")) == "true",
        workers=_integer(env, "SHIPWAY_WORKERS", default.workers, 1, 1024),
        max_candidates=_integer(env, "SHIPWAY_MAX_CANDIDATES", default.max_candidates, 0, 1000),
        lease=env.get("SHIPWAY_LEASE", ""),
        lease_seconds=_integer(env, "SHIPWAY_LEASE_SECONDS", default.lease_seconds, 2, 600),
        sweep_seconds=float(_integer(env, "SHIPWAY_SWEEP_SECONDS", int(default.sweep_seconds), 1, 86_400)),
        alertmanager_url=_address(env, "SHIPWAY_ALERTMANAGER_URL"),
        apprise_folder=env.get("SHIPWAY_APPRISE_FOLDER", ""),
        prometheus_url=_address(env, "SHIPWAY_PROMETHEUS_URL"),
        docs_url=(_address(env, "SHIPWAY_DOCS_URL") or default.docs_url).rstrip("/"),
        plain_logs=_choice(env, "SHIPWAY_LOG_FORMAT", ("json", "plain")) == "plain",
    )


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise SettingsError(f"{name} is {text!r}; write a whole number from {low} to {high}")
    return int(text)


def _choice(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    text = env.get(name) or choices[0]
    if text not in choices:
        raise SettingsError(f"{name} is {text!r}; write one of: {', '.join(choices)}")
    return text


def _address(env: Mapping[str, str], name: str) -> str:
    text = env.get(name, "")
    if not text:
        return ""
    parts = urlsplit(text)
    # Settings lie in a ConfigMap, where a password would be read by many; so the text is not repeated either.
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise SettingsError(f"{name} is no address; write one such as http://HOST:9093, without a password")
    return text
