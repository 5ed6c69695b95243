"""Figures of what a data set contains."""
