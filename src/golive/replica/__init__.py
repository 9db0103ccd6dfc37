"""Start and stop a stack of real servers on one loopback subnet."""
