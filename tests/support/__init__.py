"""What tests share: real servers, faults to inflict on them, and how to say that something is absent."""
