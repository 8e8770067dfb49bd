"""What `make` does: each module is one step, run as `python -m scripts.<name>`.

Nothing here is imported by the product, and a step of the set-up needs the standard library alone.
"""
