"""A load generator that replays held-out interactions at a fixed rate; for demonstrations, tests and benchmarks."""

from shipway_workloads.replay.replay import Answer, Replay, Stats
from shipway_workloads.replay.segments import Pair, Segment, held_out_pairs, read_segment

__all__ = ["Answer", "Pair", "Replay", "Segment", "Stats", "held_out_pairs", "read_segment"]
