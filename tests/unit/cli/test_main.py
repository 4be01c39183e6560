"""The command line: what it offers, and how it fails."""

import shutil
import subprocess

import pytest

from shipway.cli.main import main, parser


def test_retry_without_a_reason_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retry", "ranker"]) == 1
    assert "retry needs --reason" in capsys.readouterr().err


def test_a_kubeconfig_that_is_not_there_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere/kubeconfig")
    assert main(["get", "ranker"]) == 1
    error = capsys.readouterr().err
    assert "/nowhere/kubeconfig" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("verb", ["promote", "pause", "resume", "abort", "retry", "undo"])
def test_every_verb_is_a_command(verb: str) -> None:
    options = parser().parse_args([verb, "ranker", "-n", "team-reco", "--reason", "because"])
    assert options.verb.value == verb


def test_an_undo_may_name_the_version_to_go_back_to() -> None:
    assert parser().parse_args(["undo", "ranker", "--to", "v1"]).to == "v1"
    assert parser().parse_args(["undo", "ranker"]).to == ""


def complete(script: str, *words: str) -> list[str]:
    bash = shutil.which("bash")
    assert bash
    quoted = " ".join(f"'{word}'" for word in words)
    body = f'{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _shipway; echo "${{COMPREPLY[@]}}"'
    return subprocess.run([bash, "-c", body], check=True, capture_output=True, text=True).stdout.split()


def test_bash_completes_commands_and_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert complete(script, "shipway", "pro") == ["promote"]
    assert "--reason" in complete(script, "shipway", "promote", "--")
