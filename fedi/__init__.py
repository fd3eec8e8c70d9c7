"""Easel's server: everything with state. See docs/architecture.md for the rooms."""

__version__ = "0.1.0"
