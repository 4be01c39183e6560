"""A GitOps tool that applies the examples again and again finds nothing to change, whatever the operator is doing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.clock import ShiftedClock
from harness.lab import ROOT, Lab
from harness.replay import World, running
from harness.waiting import eventually
from integration.serving.players import act, playing, publish, serves, share
from shipway.kube.client import FIELD_MANAGER, Client
from shipway.kube.resource import MODEL, SERVING_DEPLOYMENT, TRAINING_JOB

pytestmark = pytest.mark.lab

EXAMPLES = ROOT / "examples" / "quickstart"
JOBS = ["11-train-v1", "12-train-v1-unbroken", "30-train-v2", "40-train-v3"]
TOOLS = {
    # How Flux applies, and Argo CD with ServerSideApply=true.
    "server-side": ("--server-side", "--field-manager=gitops"),
    # How Argo CD applies by itself.
    "client-side": (),
}


@dataclass(frozen=True)
class Tool:
    """Applies the examples into the test's namespace, under a name of its own.

    Attributes:
        folder: The examples as its repository has them.
        kubeconfig: The cluster.
        options: How it applies.
    """

    folder: Path
    kubeconfig: Path
    options: tuple[str, ...]

    async def apply(self, example: str) -> None:
        code, said = await self._kubectl("apply", example)
        assert code == 0, said

    async def finds_nothing_to_change(self, example: str) -> None:
        """Now, and once more after it was applied again."""
        await self._no_difference_lasts(example)
        await self.apply(example)
        await self._no_difference_lasts(example)

    async def _no_difference_lasts(self, example: str) -> None:
        # kubectl asks for what is there and for what would be; a status written in between is no drift.
        async def look() -> object:
            assert await self._kubectl("diff", example) == (0, "")
            return True

        await eventually(look, within=10, what=f"{example} has no difference")

    async def _kubectl(self, verb: str, example: str) -> tuple[int, str]:
        command = ["kubectl", f"--kubeconfig={self.kubeconfig}", verb, *self.options, "-f", f"{example}.yaml"]
        done = await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, complaint = await done.communicate()
        said = out.decode() + (complaint.decode() if done.returncode else "")
        return done.returncode or 0, said if verb == "diff" or done.returncode else ""


@pytest.fixture
async def world(serving_lab: Lab, kube: Client, namespace: str) -> AsyncIterator[World]:
    made = World(kube, namespace, ShiftedClock())
    async with running(made, serving_lab):
        yield made


@pytest.fixture(params=TOOLS.values(), ids=TOOLS.keys())
def tool(request: pytest.FixtureRequest, lab: Lab, namespace: str, tmp_path: Path) -> Tool:
    for example in EXAMPLES.glob("*.yaml"):
        (tmp_path / example.name).write_text(example.read_text().replace("team-reco", namespace))
    return Tool(tmp_path, lab.kubeconfig, request.param)


async def test_the_examples_never_drift_while_they_are_trained_served_released_and_taken_back(world: World, tool: Tool):
    for example in ("00-team", "10-model", *JOBS):
        await tool.apply(example)
    await world.condition(MODEL, "ranker", "Ready")
    for job in ("ranker-v1", "ranker-v2", "ranker-v3"):
        await world.condition(TRAINING_JOB, job, "Reconciling")
    for example in ("00-team", "10-model", *JOBS):
        await tool.finds_nothing_to_change(example)

    async with playing(world):
        await publish(world, "v1", "v2", "v3")
        await tool.apply("20-serve-v1")
        await serves(world, "v1")
        await tool.finds_nothing_to_change("20-serve-v1")

        await tool.apply("31-serve-v2")
        await _gets_traffic(world, "v2")
        await tool.finds_nothing_to_change("31-serve-v2")
        await act(world, "abort", "1")
        await world.condition(SERVING_DEPLOYMENT, "ranker", "Stalled", reason="Quarantined")
        await tool.finds_nothing_to_change("31-serve-v2")
        await world.condition(SERVING_DEPLOYMENT, "ranker", "Stalled", reason="Quarantined")

        await tool.apply("41-serve-v3")
        await _gets_traffic(world, "v3")
        await act(world, "pause", "2")
        await world.condition(SERVING_DEPLOYMENT, "ranker", "Ready", status="False", reason="Paused")
        await tool.finds_nothing_to_change("41-serve-v3")
        await world.condition(SERVING_DEPLOYMENT, "ranker", "Ready", status="False", reason="Paused")

    await _the_operator_wrote_no_spec(world)


async def _gets_traffic(world: World, version: str) -> None:
    async def look() -> object:
        return await share(world, version) == 5

    await world.eventually(look, what=f"{version} has 5 %")


async def _the_operator_wrote_no_spec(world: World) -> None:
    for resource in (MODEL, TRAINING_JOB, SERVING_DEPLOYMENT):
        for listed in await world.list(resource):
            obj = await world.get(resource, listed["metadata"]["name"])  # lists come without managedFields
            ours = [entry for entry in obj["metadata"]["managedFields"] if entry["manager"] == FIELD_MANAGER]
            assert ours, obj["metadata"]["name"]
            assert not any("f:spec" in entry["fieldsV1"] for entry in ours), obj["metadata"]["name"]
