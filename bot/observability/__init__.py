"""What the operator sees of a process at work: log, figures, a task's timeline.

Never changes what it watches.
"""
