"""The whole program as a process of its own, against platforms on loopback."""
