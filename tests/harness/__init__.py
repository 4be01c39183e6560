"""What tests against a real API server stand on: the lab, an operator to start and kill, builders, waiting, replays."""
