"""Addresses inside the lab's own network. None of them exists on the host; those of the nodes are in `nodes`."""

from __future__ import annotations

from typing import Final

from shipway_lab.nodes import FIRST

NODE_IP: Final = FIRST.ip
"""Of the first node and of everything that is no pod."""
NODE_PREFIX: Final = 24
GATEWAY_IP: Final = "198.51.100.1"

API_PORT: Final = 6443
API_URL: Final = f"https://{NODE_IP}:{API_PORT}"
ETCD_URL: Final = "http://127.0.0.1:2379"

SERVICE_CIDR: Final = "10.96.0.0/16"
API_SERVICE_IP: Final = "10.96.0.1"
POD_CIDR: Final = "10.244.0.0/16"

DNS_IP: Final = "169.254.20.10"
"""Link-local, on the first node's loopback device: pods and the lab's own processes ask the same server."""
CLUSTER_DOMAIN: Final = "cluster.local"

ENVOY_PORT: Final = 8080
S3_PORT: Final = 7070
