"""What becomes of a message: who may, what it is to us, written down before Slack hears that it arrived.

Never answers in a thread but for signs and whispers.
"""
