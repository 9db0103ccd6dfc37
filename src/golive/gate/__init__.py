"""The gate: features in, scenarios run by pytest, a report out."""
