"""The Debian packages of the node."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shipway_lab.artifacts.debian import DebianPackages
from shipway_lab.lab import Lab

PACKAGES: Final = DebianPackages(
    "node",
    newest=(
        ("containerd", "2.1.5"),
        ("containernetworking-plugins", "1.7.1"),
        ("etcd-server", "3.5.21"),
        ("kubectl", "1.33"),
    ),
    release=(
        "runc",
        "nftables",
        "libnftables1",
        "libnftnl11",
        "libmnl0",
        "libjansson4",
        "libxtables12",
        "libedit2",
        "libbsd0",
        "libmd0",
        "libgmp10",
        "libtinfo6",
    ),
    usual_seconds=20,
)


def program(lab: Lab, path: str) -> Path:
    """Where a file of the packages lies, for example `usr/bin/etcd`."""
    return lab.artifact(PACKAGES.name) / path


def link_nft(lab: Lab) -> None:
    """Make `nft` callable, with its libraries from the packages and no trace of them in anybody's environment."""
    libraries = program(lab, "usr/lib/x86_64-linux-gnu")
    lab.script("nft", f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {program(lab, "usr/sbin/nft")} "$@"\n')
