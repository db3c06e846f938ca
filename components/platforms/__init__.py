"""The platforms that a stack can run on: each makes a network, an instance and a gateway."""
