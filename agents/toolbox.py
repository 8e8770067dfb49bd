"""The tools a team adds for its workers, from wherever they come."""
