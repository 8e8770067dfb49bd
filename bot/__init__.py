"""The Slack bot: events and posts, settings, commands, and the composition of the other rooms."""
