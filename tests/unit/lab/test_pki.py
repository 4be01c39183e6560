"""Certificates that a strict client accepts, for the names by which the lab is called."""

import datetime
import ipaddress
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from shipway_lab import pki

NOW = datetime.datetime(2026, 5, 4, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pki")
    pki.create(made, now=NOW)
    return made


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("apiserver", "127.0.0.1"),
        ("apiserver", "10.96.0.1"),
        ("apiserver", "kubernetes.default.svc"),
        ("webhook", "127.0.0.1"),
        ("node1", "198.51.100.2"),
        ("node2", "198.51.100.3"),
    ],
)
def test_servers_are_trusted_by_the_name_they_are_called_by(folder: Path, name: str, host: str) -> None:
    subject: x509.GeneralName
    try:
        subject = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        subject = x509.DNSName(host)
    store = verification.Store([certificate(folder, "ca")])
    verifier = verification.PolicyBuilder().store(store).time(NOW).build_server_verifier(subject)
    assert verifier.verify(certificate(folder, name), [])


def test_a_component_carries_the_user_and_group_kubernetes_knows_it_by(folder: Path) -> None:
    assert certificate(folder, "node2").subject.rfc4514_string() == "CN=system:node:node2,O=system:nodes"
    assert certificate(folder, "admin").subject.rfc4514_string() == "CN=admin,O=system:masters"


def test_the_front_proxy_has_an_authority_of_its_own(folder: Path) -> None:
    certificate(folder, "front-proxy-client").verify_directly_issued_by(certificate(folder, "front-proxy-ca"))
    with pytest.raises(ValueError, match="issuer"):
        certificate(folder, "front-proxy-client").verify_directly_issued_by(certificate(folder, "ca"))


def test_keys_are_readable_by_their_owner_only(folder: Path) -> None:
    keys = list(folder.glob("*.key"))
    assert len(keys) > 8
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_a_kubeconfig_needs_no_other_file(folder: Path) -> None:
    config = json.loads(pki.kubeconfig(folder, "admin", server="https://127.0.0.1:1"))
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1"
    assert str(folder) not in json.dumps(config)
