"""One folder per kind: reconcile (pure), children (pure), checks (pure)."""
