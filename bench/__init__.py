"""Measuring speed and memory: `python -m bench` (see `make bench`)."""
