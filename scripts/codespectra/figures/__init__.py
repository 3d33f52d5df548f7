"""The figures: `draw_NAME` takes the tables of its rule and gives a figure; all share `style`."""
