"""The table of the ranker beside its baselines tells the truth when the ranker loses."""

from shipway_workloads.training.report import LABELS, Run, SplitReport, table, to_json


def report(*aucs: float, baseline: float) -> SplitReport:
    runs = [
        Run(seed=seed, auc=auc, log_loss=0.5, seconds=9.0, cpu_seconds=18.0, steps=624, loss_trace_digest="sha256:0")
        for seed, auc in enumerate(aucs, start=1)
    ]
    return SplitReport(split="user-tail-20", runs=runs, baselines=dict.fromkeys(LABELS, baseline))


def test_a_baseline_is_beaten_when_every_seed_is_better():
    assert report(0.79, 0.78, baseline=0.77).beats("itemMean")


def test_one_seed_that_is_not_better_is_enough_to_lose():
    lost = report(0.79, 0.77, baseline=0.77)
    assert not lost.beats("itemMean")
    assert table(lost).count("NOT beaten") == len(LABELS)


def test_the_table_has_every_seed_and_every_baseline():
    lines = table(report(0.7912, 0.7898, baseline=0.77)).splitlines()
    assert len(lines) == 1 + 2 + 1 + len(LABELS)
    assert "seed 2" in lines[2]
    assert "0.7898" in lines[2]


def test_the_numbers_are_kept_with_the_machine_they_were_made_on():
    kept = to_json([report(0.79, 0.78, baseline=0.77)], ranks=2)
    assert kept["ranks"] == 2
    assert kept["machine"]["cpus"] >= 1
    assert kept["splits"][0]["meanAuc"] == 0.785
    assert [run["auc"] for run in kept["splits"][0]["runs"]] == [0.79, 0.78]
