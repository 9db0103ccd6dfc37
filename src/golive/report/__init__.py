"""Render outcomes; decide nothing."""
