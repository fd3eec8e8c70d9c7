"""How other servers see us, and we see them. `activitypub` knows the words; this knows the rows."""
