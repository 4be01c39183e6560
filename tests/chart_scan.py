"""Renders the chart with everything in it and has checkov look for what is unsafe; .checkov.yaml has exceptions."""

import subprocess
import sys
import tempfile
from pathlib import Path

import helm_python as helm

ROOT = Path(__file__).resolve().parent.parent
CHECKOV = "checkov@3.2.501"
"""In an environment of its own: it pins half of PyPI."""
VALUES = {
    "replicas": 2,
    "kserve": {"enabled": True},
    "actionStamp": {"mode": "mutating"},
    "metrics": {"service": {"enabled": True}},
}


def main() -> int:
    """The exit code of checkov."""
    with tempfile.TemporaryDirectory() as folder:
        with helm.Chart.load(ROOT / "charts" / "shipway") as chart:
            rendered: dict[str, str] = chart.render(VALUES, name="shipway", namespace="shipway-system")
        for path, text in rendered.items():
            if path.endswith(".yaml") and text.strip():
                (Path(folder) / path.replace("/", "-")).write_text(text)
        uvx = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--python", sys.executable, CHECKOV]
        command = [*uvx, "--config-file", str(ROOT / ".checkov.yaml"), "--directory", folder]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
