"""Claims: ratios of rounds, not of runs that the machine met in different states."""

from burst import Burst
from claims import claims, growth


def burst(subject: str, objects: int, *, cpu: float, running: float = 1.0) -> Burst:
    return Burst(
        subject=subject,
        objects=objects,
        create_s=1.0,
        pods_exist_s=1.0,
        pods_running_s=running,
        ready_s=1.0,
        p50_s=1.0,
        p99_s=1.0,
        cpu={"apiserver": cpu - 1, "operator": 1.0, "driver": 100.0, "others": 100.0},
        peak_mib={"operator": 50},
        writes={},
    )


def test_a_ratio_is_the_median_over_rounds_and_not_that_of_sums() -> None:
    floor = [burst("job", 1000, cpu=cpu) for cpu in (10, 20, 40)]
    ours = [burst("trainingjob", 1000, cpu=cpu) for cpu in (12, 22, 400)]

    found = {claim["name"]: claim["value"] for claim in claims({("job", 1000): floor, ("trainingjob", 1000): ours}, {})}

    assert found["ratio_to_floor_cpu_1000"] == 1.2


def test_a_kind_that_was_measured_less_often_is_compared_within_the_rounds_it_was_in() -> None:
    ours = [burst("trainingjob", 1000, cpu=cpu) for cpu in (10, 50, 50)]
    theirs = [burst("jobset", 1000, cpu=30)]

    found = {
        claim["name"]: claim["value"] for claim in claims({("jobset", 1000): theirs, ("trainingjob", 1000): ours}, {})
    }

    assert found["times_less_cpu_than_jobset_1000"] == 3


def test_what_costs_the_same_per_object_grows_by_the_first_power() -> None:
    found = growth({("job", 200): [burst("job", 200, cpu=8)], ("job", 1000): [burst("job", 1000, cpu=40)]})

    assert found == {"job": 1.0}
