"""One run of one task: its opening turns, attachments, signals, artifacts and delivery."""
