"""Certificates of the cluster: made in half a second, valid for a year, thrown away with the lab."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shipway_lab.addresses import API_SERVICE_IP, API_URL, CLUSTER_DOMAIN, NODE_IP
from shipway_lab.nodes import NODES, Node

_LIFETIME = datetime.timedelta(days=365)
_CLOCK_SKEW = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class _Leaf:
    name: str
    common_name: str
    organization: str | None = None
    hosts: tuple[str, ...] = ()


_LEAVES = (
    _Leaf(
        "apiserver",
        "kube-apiserver",
        hosts=(
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            f"kubernetes.default.svc.{CLUSTER_DOMAIN}",
            "localhost",
            "127.0.0.1",
            API_SERVICE_IP,
            NODE_IP,
        ),
    ),
    _Leaf("admin", "admin", "system:masters"),
    _Leaf("kcm", "system:kube-controller-manager"),
    _Leaf("scheduler", "system:kube-scheduler"),
    _Leaf("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
    _Leaf("webhook", "webhook", hosts=("localhost", "127.0.0.1", NODE_IP)),
)
_FRONT_PROXY = _Leaf("front-proxy-client", "front-proxy-client")


@dataclass(frozen=True)
class _Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def create(folder: Path, *, now: datetime.datetime) -> None:
    """Write the cluster's authorities, leaf certificates and service account key into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = _authority(folder, "ca", now)
    for leaf in (*_LEAVES, *(_of_node(node) for node in NODES)):
        _issue(folder, leaf, authority, now)
    _issue(folder, _FRONT_PROXY, _authority(folder, "front-proxy-ca", now), now)
    account_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _write_key(folder / "sa.key", account_key)
    (folder / "sa.pub").write_bytes(
        account_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def kubeconfig(folder: Path, user: str, *, server: str = API_URL) -> str:
    """A kubeconfig for the certificate called `user`, self-contained. JSON is YAML, so kubectl reads it."""
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
        "clusters": [
            {"name": "lab", "cluster": {"server": server, "certificate-authority-data": encoded(folder / "ca.crt")}}
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": encoded(folder / f"{user}.crt"),
                    "client-key-data": encoded(folder / f"{user}.key"),
                },
            }
        ],
    }
    return json.dumps(document, indent=1)


def encoded(file: Path) -> str:
    """The file's content in base64, as kubeconfigs and webhook configurations want it."""
    return base64.b64encode(file.read_bytes()).decode()


def _of_node(node: Node) -> _Leaf:
    return _Leaf(node.name, f"system:node:{node.name}", "system:nodes", (node.name, node.ip))


def _authority(folder: Path, name: str, now: datetime.datetime) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _unsigned(_subject(name), _subject(name), key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder, name, key, certificate)
    return _Authority(key, certificate)


def _issue(folder: Path, leaf: _Leaf, authority: _Authority, now: datetime.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        _unsigned(_subject(leaf.common_name, leaf.organization), authority.certificate.subject, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    if leaf.hosts:
        request = request.add_extension(
            x509.SubjectAlternativeName([_general_name(host) for host in leaf.hosts]), critical=False
        )
    _write(folder, leaf.name, key, request.sign(authority.key, hashes.SHA256()))


def _unsigned(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
    )


def _subject(common_name: str, organization: str | None = None) -> x509.Name:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        names.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(names)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write(folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    _write_key(folder / f"{name}.key", key)
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
