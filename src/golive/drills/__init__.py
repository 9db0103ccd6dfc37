"""Do what nobody wants to do for the first time on a bad day; measure it, and heal."""
