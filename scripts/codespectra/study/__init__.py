"""From a config to a plan, and its mistakes in words."""
