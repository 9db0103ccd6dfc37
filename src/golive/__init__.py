"""golive: the go-live gate of Dashboard-Velo (see README.md)."""
