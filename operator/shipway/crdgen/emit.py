"""The files that are generated, as text by path. Nothing here touches the disk."""

from typing import Any

import yaml

from shipway.api.schema import Kind
from shipway.crdgen.crd import crd
from shipway.crdgen.reference import index_page, kind_page

_HEADER = "# Generated from operator/shipway/api by `python -m shipway.crdgen`; change it there.\n"
_CRD_ANNOTATIONS = """  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
  labels:
    {{- include "shipway.labels" . | nindent 4 }}
"""


def files(kinds: tuple[Kind, ...]) -> dict[str, str]:
    """Every generated file, by its path from the top of the repository."""
    manifests = {f"{kind.plural}.yaml": crd(kind) for kind in kinds}
    return {
        **{f"crds/{name}": _HEADER + _dump(manifest) for name, manifest in manifests.items()},
        **{f"charts/shipway/templates/crds/{name}": _template(manifest) for name, manifest in manifests.items()},
        **{f"docs/reference/api/{kind.singular}.md": kind_page(kind) for kind in kinds},
        "docs/reference/api/README.md": index_page(kinds),
        "kustomization.yaml": _HEADER + _dump(_kustomization(sorted(manifests))),
    }


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key and never writes an anchor, as people write manifests."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow=flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _dump(document: Any) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=118)


def _template(manifest: dict[str, Any]) -> str:
    text = _escape(_dump(manifest))
    name = f"  name: {manifest['metadata']['name']}\n"
    body = text.replace(name, name + _CRD_ANNOTATIONS, 1)
    return f"{{{{- if .Values.crds.enabled }}}}\n{_HEADER}{body}{{{{- end }}}}\n"


def _escape(text: str) -> str:
    """Helm reads its templates in double braces; a text that has them by itself must come out as it went in."""
    return text.replace("{{", '{{ "{{" }}')


def _kustomization(names: list[str]) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"crds/{name}" for name in names],
    }
