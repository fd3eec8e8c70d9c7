"""Entities made of rows: always of many at once, in a number of queries that does not grow."""
