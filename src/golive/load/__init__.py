"""Load: run Locust against an environment, keep every sample, judge thresholds with confidence."""
