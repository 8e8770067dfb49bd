"""The steps of the Makefile's targets, each run as `python -m scripts.<name>`.

The product imports nothing from here. The steps of the set-up need the standard library only.
"""
