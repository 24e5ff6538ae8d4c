"""People's verdicts on deposits."""
