"""Tools that a team installs: functions behind the entry point group `handoff.tools`."""
