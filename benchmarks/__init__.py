"""Isthmus timed beside its peers: one run, alternating rounds, the same threads, networks and pictures for all."""
