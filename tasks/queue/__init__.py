"""Which process runs a task: placement, heartbeats, takeover of dead processes, periodic maintenance."""
