"""Memory and signals go to whom a process belongs: told by its cgroup below the lab's."""

import pytest

from shipway_lab import accounting
from shipway_lab.nodes import FIRST, NODES


@pytest.mark.parametrize(
    ("below", "owner"),
    [
        ("", "lab"),
        ("parts/etcd", "etcd"),
        ("parts/containerd/shim", "containerd"),
        ("kubepods/besteffort/pod1/abc", "pods"),
        ("node2/parts/node2-kubelet", "node2-kubelet"),
        ("node2/kubepods/besteffort/pod1", "node2-pods"),
        ("node2", "node2"),
    ],
)
def test_a_process_belongs_to_its_part_or_to_the_pods_of_its_node(below: str, owner: str) -> None:
    assert accounting.owner([word for word in below.split("/") if word]) == owner


def test_no_two_nodes_own_the_same_process() -> None:
    owned = [owner for node in NODES for owner in node.owners()]
    assert len(set(owned)) == len(owned)
    assert FIRST.owners() == {"containerd", "kubelet", "kube-proxy", "pods"}


def test_a_parts_own_cgroup_is_accounted_to_it() -> None:
    for node in NODES:
        part = node.part("kubelet")
        cgroup = accounting.group(part, node.machine)
        assert accounting.owner(cgroup.relative_to(accounting.INSIDE).parts) == part
