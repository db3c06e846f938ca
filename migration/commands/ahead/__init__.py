"""What a verb will do, before it does it: a dry run of a switch, a rehearsal of a move."""
