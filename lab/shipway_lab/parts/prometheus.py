"""Prometheus: reads what pods and the gateway count, for those who decide by queries.

A pod is read if it says so, as often as it says: annotations `prometheus.io/scrape: "true"`, `prometheus.io/port` and
`prometheus.io/interval`. Its labels become labels of its series.
"""

from __future__ import annotations

from typing import Any, Final

import yaml
from typing_extensions import override

from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.debian import DebianPackages
from shipway_lab.lab import Lab
from shipway_lab.parts.base import Part, http_ok

PORT: Final = 19090
URL: Final = f"http://127.0.0.1:{PORT}"
# That of the release knows nothing of Kubernetes.
_PACKAGE = DebianPackages("prometheus", newest=(("prometheus", "2.53"),), release=(), usual_seconds=20)
_ENVOY_STATS = "127.0.0.1:8002"
_SAID = "__meta_kubernetes_pod_annotation_prometheus_io_"


class Prometheus(Part):
    """One server on loopback that keeps nothing beyond the lab's life."""

    name = "prometheus"
    needs = ("apiserver",)

    @override
    def artifacts(self) -> list[Artifact]:
        """The Debian package."""
        return [_PACKAGE]

    @override
    def start(self, lab: Lab) -> None:
        """Start it."""
        arguments = (
            f"--config.file={lab.write('prometheus.yaml', yaml.safe_dump(_configuration(lab)))}",
            f"--storage.tsdb.path={lab.folder('prometheus')}",
            f"--web.listen-address=127.0.0.1:{PORT}",
            "--log.level=warn",
        )
        lab.processes.start(self.name, self.name, [lab.artifact(_PACKAGE.name) / "usr/bin/prometheus", *arguments])

    @override
    def ready(self, lab: Lab) -> bool:
        """It answers queries."""
        return http_ok(PORT, "/-/ready")


def _configuration(lab: Lab) -> dict[str, Any]:
    pods = {"role": "pod", "kubeconfig_file": str(lab.paths.inner_kubeconfig)}
    envoy = {"targets": [_ENVOY_STATS]}
    often = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    return {
        "scrape_configs": [
            {"job_name": "pods", "kubernetes_sd_configs": [pods], "relabel_configs": [*_as_pods_say()]},
            {"job_name": "envoy", "metrics_path": "/stats/prometheus", "static_configs": [envoy], **often},
        ]
    }


def _as_pods_say() -> list[dict[str, Any]]:
    address = ["__meta_kubernetes_pod_ip", f"{_SAID}port"]
    return [
        {"source_labels": [f"{_SAID}scrape"], "action": "keep", "regex": "true"},
        {"source_labels": ["__meta_kubernetes_pod_phase"], "action": "keep", "regex": "Running"},
        {"source_labels": address, "separator": ":", "target_label": "__address__"},
        {"source_labels": [f"{_SAID}interval"], "regex": "(.+)", "target_label": "__scrape_interval__"},
        {"source_labels": [f"{_SAID}interval"], "regex": "(.+)", "target_label": "__scrape_timeout__"},
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        {"action": "labelmap", "regex": "__meta_kubernetes_pod_label_(.+)"},
    ]
