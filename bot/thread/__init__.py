"""A task's thread: plan, answer, files, and what was said there before. The only writer to it.

Never decides what a task does.
"""
