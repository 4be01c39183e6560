"""What is committed is what the generator writes."""

from pathlib import Path

import pytest
import yaml

from shipway.api.v1alpha1 import KINDS
from shipway.crdgen.__main__ import main
from shipway.crdgen.emit import files

ROOT = Path(__file__).parents[3]


def test_the_committed_files_are_up_to_date() -> None:
    assert main(["--check", "--root", str(ROOT)]) == 0


def test_generating_twice_gives_the_same_bytes() -> None:
    assert files(KINDS) == files(KINDS)


def test_a_changed_file_is_noticed_and_put_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--root", str(tmp_path)])
    changed = tmp_path / "crds" / "models.yaml"
    changed.write_text(changed.read_text().replace("maxLength: 63", "maxLength: 64"))

    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert "crds/models.yaml is out of date; run `python -m shipway.crdgen`" in capsys.readouterr().err
    assert main(["--root", str(tmp_path)]) == 0
    assert main(["--check", "--root", str(tmp_path)]) == 0


def test_a_file_of_a_kind_that_is_gone_is_noticed_and_removed(tmp_path: Path) -> None:
    main(["--root", str(tmp_path)])
    left_over = tmp_path / "crds" / "widgets.yaml"
    left_over.write_text("kind: CustomResourceDefinition\n")

    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert main(["--root", str(tmp_path)]) == 0
    assert not left_over.exists()


def test_the_kustomization_lists_every_crd() -> None:
    kustomization = yaml.safe_load(files(KINDS)["kustomization.yaml"])

    assert kustomization["resources"] == sorted(f"crds/{kind.plural}.yaml" for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.kind for kind in KINDS])
def test_the_reference_page_tells_every_field_and_rule(kind: object) -> None:
    page = files(KINDS)[f"docs/reference/api/{kind.singular}.md"]  # type: ignore[attr-defined]

    for name in (*kind.spec.model_fields, *kind.status.model_fields):  # type: ignore[attr-defined]
        assert _camel(name) in page
    for rule in kind.rules:  # type: ignore[attr-defined]
        assert rule.message in page


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)
