"""ModelVersion: the artifact is read once and its digest compared, who serves it, whether it is held back."""
