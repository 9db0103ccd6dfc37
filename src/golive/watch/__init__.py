"""Watch a deployment in the hours after a release, and compare with the hours before it."""
