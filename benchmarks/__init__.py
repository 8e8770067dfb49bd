"""Measurements, each against a floor or a peer in the same run: `make bench`, or `make bench ARGS="mention"`.

Machines are shared and noisy: medians, and ratios rather than seconds. Never asserts a time.
"""
