"""How neural networks code information, and how interpretable that code is."""
