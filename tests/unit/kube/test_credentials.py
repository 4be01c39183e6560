"""Where the server is and who we are: kubeconfigs, service accounts, tokens that change."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from shipway.kube.credentials import (
    REREAD_SECONDS,
    CredentialsError,
    ExecToken,
    FileToken,
    from_kubeconfig,
    in_cluster,
    load,
)


def kubeconfig(folder: Path, *, user: dict[str, Any], cluster: dict[str, Any] | None = None) -> Path:
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "team"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://example.com:6443/"} | (cluster or {})}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / "config"
    path.write_text(json.dumps(config))
    return path


async def test_a_kubeconfig_with_a_token(tmp_path: Path) -> None:
    connection = from_kubeconfig(kubeconfig(tmp_path, user={"token": "secret"}))

    assert connection.server == "https://example.com:6443"
    assert connection.namespace == "team"
    assert await connection.token.get() == "secret"


def test_certificates_come_from_data_or_files(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("KEY")
    data = base64.b64encode(b"CERT").decode()
    user = {"client-certificate-data": data, "client-key": "key.pem"}

    connection = from_kubeconfig(kubeconfig(tmp_path, user=user))

    assert (connection.certificate, connection.key) == ("CERT", "KEY")


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ({"username": "admin", "password": "x"}, "use a token, exec or a certificate"),
        ({"auth-provider": {"name": "gcp"}}, "use a token, exec or a certificate"),
        ({"tokenFile": "missing", "client-key": "missing.pem"}, "cannot read .*missing.pem"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, user: dict[str, Any], says: str) -> None:
    with pytest.raises(CredentialsError, match=says):
        from_kubeconfig(kubeconfig(tmp_path, user=user))


def test_an_unknown_context_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="no entry 'there'; it has: here"):
        from_kubeconfig(kubeconfig(tmp_path, user={}), context="there")


async def test_a_token_file_is_read_again_after_a_minute_or_a_refusal(tmp_path: Path) -> None:
    file, now = tmp_path / "token", 0.0
    file.write_text("one\n")
    token = FileToken(file, monotonic=lambda: now)

    assert await token.get() == "one"
    file.write_text("two")
    assert await token.get() == "one"
    now = REREAD_SECONDS
    assert await token.get() == "two"
    file.write_text("three")
    token.expire()
    assert await token.get() == "three"


async def test_a_command_prints_the_token() -> None:
    script = """
import json, os
assert json.loads(os.environ["KUBERNETES_EXEC_INFO"])["kind"] == "ExecCredential"
print(json.dumps({"status": {"token": os.environ["WHO"]}}))
"""
    token = ExecToken([sys.executable, "-c", script], {"WHO": "me"}, "client.authentication.k8s.io/v1")

    assert await token.get() == "me"


async def test_a_command_that_fails_is_quoted() -> None:
    token = ExecToken([sys.executable, "-c", "import sys; sys.exit('log in first')"], {}, "v1")

    with pytest.raises(CredentialsError, match="log in first"):
        await token.get()


async def test_a_pod_uses_its_service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"token": "t\n", "ca.crt": "CA", "namespace": "shipway-system"}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    connection = in_cluster(tmp_path)

    assert connection.server == "https://[fd00::1]:443"
    assert (connection.ca, connection.namespace, await connection.token.get()) == ("CA", "shipway-system", "t")


def test_nothing_at_all_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(CredentialsError, match="set KUBECONFIG"):
        load()
