"""What people make: pictures asked for, those who paint them, and the files that come of it."""
