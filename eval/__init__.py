"""Measuring retrieval: `python -m eval` (see `make eval`). Questions here are never trained on."""
