"""The client of a model service: the wire, its errors, retries, limits and prices."""
