"""How alike images are, by colour, label or embedding, and the Interpretability Index of that."""
