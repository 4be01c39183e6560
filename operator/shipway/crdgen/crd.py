"""A kind as a CustomResourceDefinition."""

from typing import Any

from shipway.api.schema import CATEGORY, GROUP, VERSION, Column, Kind
from shipway.crdgen.immutable import immutability
from shipway.crdgen.structural import Schema, structural, validations

NEW_STATUS: Schema = {
    "observedGeneration": -1,
    "conditions": [
        {
            "type": "Ready",
            "status": "Unknown",
            "reason": "Pending",
            "message": "accepted; the operator tells more within seconds, unless it does not run",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
            "observedGeneration": -1,
        }
    ],
}
"""The status of an object nobody has told of: people see that somebody should, and kstatus says InProgress."""


def crd(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind, as the manifest that is applied."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": list(kind.short_names),
                "categories": [CATEGORY],
            },
            "versions": [_version(kind)],
        },
    }


def root_schema(kind: Kind) -> Schema:
    """The schema of the whole object."""
    spec = structural(kind.spec, for_users=True)
    status = structural(kind.status, for_users=False)
    frozen = validations(immutability(kind, spec))
    if frozen:
        spec["x-kubernetes-validations"] = [*spec.get("x-kubernetes-validations", []), *frozen]
    root: Schema = {
        "description": kind.doc,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": f"Always {GROUP}/{VERSION}.", "type": "string"},
            "kind": {"description": f"Always {kind.kind}.", "type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": {**status, "default": NEW_STATUS},
        },
    }
    if kind.rules:
        root["x-kubernetes-validations"] = validations(kind.rules)
    return root


def _version(kind: Kind) -> dict[str, Any]:
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
    }
    if kind.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in kind.selectable]
    version["schema"] = {"openAPIV3Schema": root_schema(kind)}
    return version


def _column(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.description:
        entry["description"] = column.description
    if column.priority:
        entry["priority"] = column.priority
    return entry
