"""Forms with files, for pages and for apps: received within limits, and taken apart."""
