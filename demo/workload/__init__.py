"""What the demo's applications do meanwhile, and what must be true of it afterwards."""
