"""The rights a chart grants, one by one, and which of them were made use of."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.audit import Entry
from shipway.kube.resource import Object

READS = frozenset({"get", "list", "watch"})


@dataclass(frozen=True, order=True)
class Request:
    """What was asked of the API server, in RBAC's words; `resource` with its subresource, as in `pods/status`."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        where = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.resource}.{self.group or 'core'}{where} in {self.namespace or 'the whole cluster'}"


@dataclass(frozen=True, order=True)
class Grant:
    """One verb on one resource, from one binding."""

    role: str
    verb: str
    group: str
    resource: str
    namespace: str = ""
    """Where it counts; everywhere when empty."""
    names: tuple[str, ...] = ()
    """The only objects it counts for; all when empty."""

    def allows(self, request: Request) -> bool:
        """Whether RBAC lets a request through by this grant."""
        return (
            (self.verb, self.group, self.resource) == (request.verb, request.group, request.resource)
            and self.namespace in ("", request.namespace)
            and (not self.names or request.name in self.names)
        )

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}.{self.group or 'core'} by role {self.role}"


def grants(documents: Sequence[Object]) -> frozenset[Grant]:
    """What the bindings among rendered objects grant; rules on paths and not on resources are left out."""
    rules = {(doc["kind"], doc["metadata"]["name"]): doc["rules"] for doc in documents if "rules" in doc}
    return frozenset(grant for doc in documents if "roleRef" in doc for grant in _bound(doc, rules))


def _bound(binding: Object, rules: dict[tuple[str, str], Sequence[Object]]) -> Iterator[Grant]:
    ref, namespace = binding["roleRef"], binding["metadata"].get("namespace", "")
    for rule in rules[ref["kind"], ref["name"]]:
        for group in rule.get("apiGroups", ()):
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    names = tuple(rule.get("resourceNames", ()))
                    yield Grant(ref["name"], verb, group, resource, namespace, names)


def from_path(method: str, path: str, *, watch: bool) -> Request | None:
    """The request behind a GET; None for what is no resource, such as the server's version."""
    assert method == "GET", "what writes are is told by the audit log"
    kind, *parts = path.strip("/").split("/")
    if kind not in {"api", "apis"}:
        return None
    group = parts.pop(0) if kind == "apis" and parts else ""
    parts = parts[1:]
    namespace = ""
    if len(parts) > 2 and parts[0] == "namespaces":
        namespace, parts = parts[1], parts[2:]
    if not parts:
        return None
    resource, name = parts[0], "".join(parts[1:2])
    return Request("get" if name else "watch" if watch else "list", group, resource, namespace, name)


def from_audit(entries: Iterable[Entry]) -> Iterator[Request]:
    """The requests behind entries of the audit log; an apply that made its object is a patch and a create."""
    for entry in entries:
        yield Request(entry.verb, entry.group, entry.resource, entry.namespace, entry.name)
        if (entry.verb, entry.code) == ("patch", 201):
            yield Request("create", entry.group, entry.resource, entry.namespace, entry.name)
