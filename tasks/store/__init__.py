"""The SQL store: tables, rows and transactions of everything that a task must not lose."""
