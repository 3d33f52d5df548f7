"""Capacities and simulations of paper A."""
