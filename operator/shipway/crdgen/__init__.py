"""From the pydantic models of the API to what is written down about them: CRDs, chart templates, reference pages."""
