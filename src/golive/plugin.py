"""pytest plugin of the gate: options, fixtures, hooks."""
