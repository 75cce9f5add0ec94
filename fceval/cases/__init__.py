"""Stage 1, read: datasets as cases.

`read` and `write` know the two file formats, `select` chooses, `lint` finds what would cost money for nothing,
`importers/` turn other projects' datasets into this one.
"""
