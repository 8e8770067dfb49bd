"""The files of threads: where they live, and how they are deleted."""
