"""Letters: written for the jobs that `social.letters` asks for, and sent by SMTP."""
