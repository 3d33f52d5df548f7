"""From a config to a plan of networks, layers and captures, and every mistake in it in words."""
