"""Slack on the wire: calls to it at its pace, connections from it, and its JSON read once, at the edge.

Never decides what a message means, and never says anything to people by itself.
"""
