"""Notes that people pin to a channel, in SQL."""
