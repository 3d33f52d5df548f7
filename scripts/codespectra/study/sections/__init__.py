"""The config's sections as pydantic models: keys, bounds, defaults."""
