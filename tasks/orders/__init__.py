"""Standing orders: tasks that run at set times, and tasks that a message in a channel starts."""
