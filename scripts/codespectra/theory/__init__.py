"""What coding theory predicts of capacities, and the simulations that test it."""
