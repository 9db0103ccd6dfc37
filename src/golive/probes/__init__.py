"""Measure: each probe returns facts in a frozen dataclass, and judges nothing."""
