"""Judge: each step compares a probe's facts with the words of the feature."""
