"""Words in, pictures out. Knows no account, no web, no database.

`recipe`, `catalogue`, `protocol`, `safety` and what has to do with the origin of a picture
(`provenance`, `certificates`, `credentials`, `manifests`, `statements`, `apart`) are light: the
server imports them.
`pipeline`, `preview`, `painter` and `random_weights` belong to the painter process; torch and
diffusers are imported there, inside the functions that need them or in the painter's own thread.
"""
