"""Benchmarks, each against a floor or a peer in the same run: `make bench`, or `make bench ARGS="mention"`.

Machines are shared and noisy, so benchmarks print medians and ratios, and assert no times.
"""
