"""What a stack declares: one isolated PostgreSQL per service, on whichever platform the stack names."""
