"""The catalogue of claims, what each measures, and the verdicts."""
