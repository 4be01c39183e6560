"""The results as tables for people: the part of docs/scale.md between two marks, which a test holds against them."""

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from benchmarks import pages

Results = Mapping[str, Any]
BEGIN = "<!-- figures: make bench-report -->"
TRAINING = {
    "job": "plain Job (the floor)",
    "trainingjob": "TrainingJob",
    "jobset": "JobSet",
    "trainjob": "Kubeflow TrainJob",
    "raycluster": "KubeRay RayCluster",
    "kueue-job": "plain Job in a Kueue queue",
    "bare-job": "plain Job, bare pods",
}
SERVING = {"modelversion": "ModelVersion", "servingdeployment": "ServingDeployment"}
OPERATORS = ("operator", "jobset", "trainer", "kuberay", "kueue")


def filled(page: str, results: Results) -> str:
    """The page with the figures of these results between its marks; raises ValueError where it lacks them."""
    return pages.filled(page, begin=BEGIN, text=report(results))


def report(results: Results) -> str:
    """All tables and sentences."""
    parts = [
        _bursts(results, TRAINING, "pods run, s", "pods_running_s"),
        _bursts(results, SERVING, "pods run, s", "pods_running_s"),
        pages.claims(results["claims"]),
        *_sentences(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _bursts(results: Results, names: Mapping[str, str], heading: str, field: str) -> str:
    found: dict[tuple[str, int], list[Any]] = {}
    for burst in results["bursts"]:
        if burst["subject"] in names:
            found.setdefault((burst["subject"], burst["objects"]), []).append(burst)
    if not found:
        return ""
    order = sorted(found, key=lambda key: (key[1], list(names).index(key[0])))
    rows = [_row(names[subject], objects, found[subject, objects], field) for subject, objects in order]
    head = ("objects", "kind", "rounds", "processor s", "API server", "operators", heading, "all ready, s", "foreign")
    return pages.table(head, rows)


def _row(name: str, objects: int, rounds: list[Any], field: str) -> tuple[str, ...]:
    def middle(values: Iterable[float]) -> str:
        value = median(values)
        return f"{value:.0f}" if value >= 10 else f"{value:.1f}"

    return (
        f"{objects:,}",
        name,
        str(len(rounds)),
        middle(each["control_plane_cpu"] for each in rounds),
        middle(each["cpu"]["apiserver"] for each in rounds),
        middle(sum(each["cpu"].get(part, 0.0) for part in OPERATORS) for each in rounds),
        middle(each[field] for each in rounds),
        middle(each["ready_s"] for each in rounds),
        middle(each["cpu"]["others"] for each in rounds),
    )


def _sentences(results: Results) -> Iterable[str]:
    phases = results["phases"]
    if churn := phases.get("churn"):
        yield (
            f"Over {churn['objects']:,} running objects {churn['changes']} were suspended and resumed in a minute:\n"
            f"told after {churn['suspend_p50_s']:g} s and {churn['resume_p50_s']:g} s (median), "
            f"{churn['writes_per_change']:g} writes for each, {churn['core_share']:.1%} of a core."
        )
    if restart := phases.get("restart"):
        yield (
            f"A fresh operator over {restart['objects']:,} objects looked at the first after "
            f"{restart['first_reconcile_s']:g} s and at all after {restart['caught_up_s']:g} s,\n"
            f"with {restart['peak_mib']} MiB at the peak."
        )
    if shards := phases.get("shards"):
        yield (
            f"Two operators with half of the namespaces each, {shards['objects']:,} objects, each operator held to "
            f"{shards['share_of_a_core']:g} of a core:\n"
            f"done {shards['two_shards_speedup']:g} times as soon as one alone."
        )
    if rollouts := phases.get("rollouts"):
        yield (
            f"{rollouts['rollouts']} releases in their first step, of {rollouts['objects']:,} ServingDeployments:\n"
            f"{rollouts['cores']:.2f} cores of the operator, {rollouts['apiserver_cores']:.2f} of the API server, "
            f"{rollouts['reads_per_second']:g} readings and {rollouts['writes_per_second']:g} writes a second."
        )
    if argo := phases.get("argo-rollouts"):
        yield (
            f"As many canaries of Argo Rollouts, each with a query in five seconds and no traffic to route: "
            f"{argo['cores']:.2f} cores of its\n"
            f"controller, {argo['prometheus_cores']:.2f} of Prometheus, {argo['apiserver_cores']:.2f} of the API "
            f"server, {argo['reads_per_second']:g} answers a second."
        )
    powers = ", ".join(f"{subject} {power:g}" for subject, power in results["growth"].items())
    yield f"Processor time grows with the number of objects by the power: {powers}."
    machine = results["machine"]
    yield (
        f"{machine['cpus']} cores ({machine['cpu']}), {machine['memory_gib']:g} GiB, "
        f"Kubernetes {machine['kubernetes']}, Python {machine['python']}."
    )
