"""Source trees of other operators: an earlier commit's, and the present one's that renders children otherwise."""

import os
import shutil
import subprocess
from pathlib import Path

from harness.lab import ROOT

FROM = "SHIPWAY_UPGRADE_FROM"
"""Environment variable: the git revision an upgrade starts from."""
_ARGUMENT = '"args": [f"--model_name={served.model}"'
_POLICY = '"restartPolicy": "Never"'
_RENDERERS = {
    "integrations/kserve.py": (f"{_ARGUMENT}]", f'{_ARGUMENT}, "--new"]'),
    "controllers/pod.py": (_POLICY, f'{_POLICY}, "hostname": "new"'),
}
"""What renders children, by file: the text there is, and the other one."""


def earlier_release(folder: Path) -> Path:
    """The source tree of the last tag before this commit or, without tags, of the commit before it.

    Raises:
        AssertionError: the clone holds neither; says what would help.
    """
    revision = os.environ.get(FROM) or _git("describe", "--tags", "--abbrev=0", "HEAD^") or "HEAD^"
    commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    assert commit, f"there is no {revision} in this clone; fetch it (git fetch --deepen=1), or set {FROM} to a revision"
    folder.mkdir()
    archive = folder.with_suffix(".tar")
    parts = ("operator", "charts", "crds")
    subprocess.run(["git", "archive", "-o", str(archive), commit, *parts], cwd=ROOT, check=True)
    shutil.unpack_archive(archive, folder, filter="data")
    return folder


def other_renderer(folder: Path) -> Path:
    """The present source tree, but predictors get one more argument and pods of ours another name for themselves."""
    for part in ("operator", "charts", "crds"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file, (present, other) in _RENDERERS.items():
        path = folder / "operator" / "shipway" / file
        text = path.read_text()
        assert text.count(present) == 1, f"{file} does not render {present} any more: change something else there"
        path.write_text(text.replace(present, other))
    return folder


def environment(tree: Path) -> dict[str, str]:
    """What makes `python -m shipway.main` the operator of a source tree."""
    return {"PYTHONPATH": str(tree / "operator")}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
