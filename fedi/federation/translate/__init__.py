"""Between rows and records: `outward` what we say, `inward` what we understand."""
