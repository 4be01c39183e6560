"""TrainingJob: attempts, pods, rendezvous, the version that comes of it."""
