"""`--together` of the verbs that switch: all of several services at one instant, or none (`each`)."""
