"""Training jobs: the contract with the operator, and the built-in ranker recipe."""
