"""Tasks that outlive the process: accepting, queueing, resuming and stopping them, all kept in SQL.

Never knows of Slack's JSON or of Docker.
"""
