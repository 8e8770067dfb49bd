"""What `make` does: each module is one step, run as `python -m scripts.<name>` with the standard library alone.

Nothing here is imported by the product, and nothing here may need a package that is not installed yet.
"""
