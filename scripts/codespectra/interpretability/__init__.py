"""How alike images are, by colour, label or LPIPS, and the Interpretability Index that follows."""
