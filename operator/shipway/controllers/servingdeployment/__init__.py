"""ServingDeployment: one predictor per version, one route we own, and a release that takes itself back."""
