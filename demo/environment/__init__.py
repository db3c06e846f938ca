"""What the demo runs in: its home, its shared server, its Docker Engine, its Pulumi stack, and their end."""
