"""The history of the tables, run at start under a lock. Each version says why it changes them."""
