"""Where the API server is and how we prove who we are: in a pod by its service account, elsewhere by a kubeconfig."""

import asyncio
import base64
import os
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import yaml

from shipway.api.conditions import seconds

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
REREAD_SECONDS = 60.0
EXEC_TIMEOUT_SECONDS = 30.0


class CredentialsError(Exception):
    """The credentials cannot be used; the message names the file and field and says what would be right."""


class Token(Protocol):
    """A source of bearer tokens that may change over time."""

    async def get(self) -> str | None:
        """The token to send now; None to send none."""
        ...

    def expire(self) -> None:
        """Forget what is remembered: the server refused it."""
        ...


@dataclass(frozen=True)
class FixedToken:
    """A token that never changes, or none."""

    value: str | None = None

    async def get(self) -> str | None:
        """The token."""
        return self.value

    def expire(self) -> None:
        """Nothing is remembered."""


class FileToken:
    """A token in a file that the kubelet renews; read again at least once a minute."""

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._value = ""
        self._read_at = float("-inf")

    async def get(self) -> str | None:
        """The token as it was in the file within the last minute."""
        if self._monotonic() - self._read_at >= REREAD_SECONDS:
            self._value = _text(self._path).strip()
            self._read_at = self._monotonic()
        return self._value

    def expire(self) -> None:
        """Read the file again at the next request."""
        self._read_at = float("-inf")


class ExecToken:
    """A token printed by a command, as cloud providers' kubeconfigs have it."""

    def __init__(self, command: list[str], env: dict[str, str], api_version: str) -> None:
        self._command = command
        self._env = env
        self._api_version = api_version
        self._value: str | None = None
        self._expires = float("inf")

    async def get(self) -> str | None:
        """The token, asked for anew a minute before it expires."""
        if self._value is None or time.time() > self._expires - REREAD_SECONDS:
            status = await self._run()
            self._value = status["token"]
            expiry = status.get("expirationTimestamp")
            self._expires = seconds(expiry) if expiry else float("inf")
        return self._value

    def expire(self) -> None:
        """Run the command again at the next request."""
        self._value = None

    async def _run(self) -> dict[str, Any]:
        info = {"apiVersion": self._api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
        env = os.environ | self._env | {"KUBERNETES_EXEC_INFO": msgspec.json.encode(info).decode()}
        process = await asyncio.create_subprocess_exec(
            *self._command, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(EXEC_TIMEOUT_SECONDS):
            out, err = await process.communicate()
        if process.returncode:
            raise CredentialsError(f"kubeconfig exec {self._command[0]} failed: {err.decode(errors='replace')[-500:]}")
        status = msgspec.json.decode(out).get("status") or {}
        if not status.get("token"):
            raise CredentialsError(
                f"kubeconfig exec {self._command[0]} returned no token; certificates from exec are not supported:"
                " put them into the kubeconfig as client-certificate-data"
            )
        return dict(status)


@dataclass(frozen=True)
class Connection:
    """An API server and the identity to use with it. PEM texts are kept decoded."""

    server: str
    token: Token
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    insecure: bool = False
    namespace: str = "default"

    def ssl_context(self) -> ssl.SSLContext | bool:
        """What aiohttp takes as `ssl`; True for plain HTTP, where it does not matter."""
        if not self.server.startswith("https:"):
            return True
        context = ssl.create_default_context(cadata=self.ca)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate and self.key:
            with tempfile.NamedTemporaryFile("w") as pem:  # the ssl module reads key pairs from files only
                pem.write(self.certificate + "\n" + self.key)
                pem.flush()
                context.load_cert_chain(pem.name)
        return context


def load() -> Connection:
    """KUBECONFIG if set, else the pod's service account, else ~/.kube/config.

    Raises:
        CredentialsError: none of them is usable.
    """
    if path := os.environ.get("KUBECONFIG"):
        return from_kubeconfig(Path(path))
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster()
    default = Path.home() / ".kube" / "config"
    if default.exists():
        return from_kubeconfig(default)
    raise CredentialsError("no cluster: set KUBECONFIG to a kubeconfig file, or run in a pod with a service account")


def in_cluster(folder: Path = SERVICE_ACCOUNT) -> Connection:
    """The connection of a pod to its own cluster."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    return Connection(
        server=f"https://{host}:{port}",
        token=FileToken(folder / "token"),
        ca=_text(folder / "ca.crt"),
        namespace=_text(folder / "namespace").strip(),
    )


def from_kubeconfig(path: Path, context: str | None = None) -> Connection:
    """The connection of a kubeconfig's current (or the given) context.

    Raises:
        CredentialsError: the file, the context or one of its parts is missing or of an unsupported sort.
    """
    config = yaml.safe_load(_text(path)) or {}
    name = context or config.get("current-context")
    ctx = _named(path, config, "contexts", name)["context"]
    cluster = _named(path, config, "clusters", ctx.get("cluster"))["cluster"]
    user = _named(path, config, "users", ctx.get("user"))["user"] or {}
    return Connection(
        server=cluster["server"].rstrip("/"),
        token=_token(path, user),
        ca=_pem(path, cluster, "certificate-authority"),
        certificate=_pem(path, user, "client-certificate"),
        key=_pem(path, user, "client-key"),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        namespace=ctx.get("namespace") or "default",
    )


def _named(path: Path, config: dict[str, Any], section: str, name: str | None) -> dict[str, Any]:
    for entry in config.get(section) or []:
        if entry.get("name") == name:
            return dict(entry)
    known = ", ".join(str(e.get("name")) for e in config.get(section) or []) or "none"
    raise CredentialsError(f"{path}: {section} has no entry {name!r}; it has: {known}")


def _pem(path: Path, section: dict[str, Any], field: str) -> str | None:
    if data := section.get(f"{field}-data"):
        return base64.b64decode(data).decode()
    if file := section.get(field):
        return _text(path.parent / file)
    return None


def _token(path: Path, user: dict[str, Any]) -> Token:
    if file := user.get("tokenFile"):
        return FileToken(path.parent / file)
    if command := user.get("exec"):
        env = {e["name"]: e["value"] for e in command.get("env") or []}
        return ExecToken([command["command"], *(command.get("args") or [])], env, command["apiVersion"])
    if user.get("auth-provider") or user.get("username"):
        raise CredentialsError(
            f"{path}: auth-provider and username are not supported; use a token, exec or a certificate"
        )
    return FixedToken(user.get("token"))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise CredentialsError(f"cannot read {path}: {error.strerror}") from error
