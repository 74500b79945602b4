"""The tests: they mirror bot/, and talk to real servers on loopback only."""
