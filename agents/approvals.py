"""Tools that a person has to allow first: the question, what it is bound to, and the answer."""
