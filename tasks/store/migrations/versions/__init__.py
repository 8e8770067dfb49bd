"""The migrations, which run in the order of their file names.

A new one takes the next number, a `revision` of its own, and the `revision` of the file before it as
`down_revision`. Databases hold the revisions, so those of old files stay as they are.
"""
