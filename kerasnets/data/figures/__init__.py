"""Figures of examples of a data set."""
