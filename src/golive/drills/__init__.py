"""Do something to a deployment that may be done to it, measure what comes of it, and heal."""
