"""Wrong manifests, refused by the real API server with the field and the cure.

Each file of `wrong/` begins with the field and the words that are expected. With two documents the first is what is
stored and the second the wrong change.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from own_cluster import Cluster

FILES = sorted((Path(__file__).parent / "wrong").glob("*.yaml"))


@dataclass(frozen=True)
class Wrong:
    """A wrong manifest and what is to be said about it."""

    field: str
    says: str
    stored: str | None
    sent: str

    @classmethod
    def read(cls, path: Path) -> "Wrong":
        text = path.read_text()
        header = dict(re.findall(r"^# (refused|says): (.*)$", text, flags=re.MULTILINE))
        *stored, sent = text.split("\n---\n")
        return cls(header["refused"], header["says"], stored[0] if stored else None, sent)


def test_there_are_enough_of_them_and_every_kind_has_one() -> None:
    assert len(FILES) >= 15
    assert {path.name.split("-")[0] for path in FILES} == {
        "trainingjob",
        "model",
        "modelversion",
        "servingdeployment",
        "incident",
    }


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_wrong_manifest_is_refused_with_the_field_and_the_cure(
    installed_crds: Cluster, module_team: str, path: Path
) -> None:
    wrong = Wrong.read(path)
    where = ("-n", module_team, "-f", "-")
    if wrong.stored:
        installed_crds.kubectl("create", *where, stdin=wrong.stored)

    refusal = installed_crds.refusal("replace" if wrong.stored else "create", *where, stdin=wrong.sent)

    if wrong.stored:
        installed_crds.kubectl("delete", *where, stdin=wrong.stored)
    assert wrong.field in refusal
    assert wrong.says in refusal
