"""Approve and Deny: who may, and what a click does."""
