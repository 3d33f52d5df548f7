"""Which tables the claims need, and the target of the workflow that makes them."""

# Target of the workflow -> what a claim needs of it -> kinds of tables (`files.table_columns`).
NEEDS: dict[str, dict[str, tuple[str, ...]]] = {
    "main": {
        "spectra": ("exponents", "bootstrap"),
        "projections": ("action",),
        "layers": ("exponents", "action"),
        "index": ("scores", "resampled"),
    },
    # Of the networks of the dropout sweep.
    "coding": {"coding": ("exponents", "bootstrap", "action")},
    "interpretability": {
        "autoencoders": ("scores", "resampled", "autoencoders", "autoencoders_resampled"),
        "halves": ("halves", "halves_resampled"),
        "psychophysics": ("psychophysics",),
        "further": ("scores", "further", "further_resampled"),
        "people": ("agreement",),
        "manifold": ("manifold_units",),
        "coactivation": ("coactivation",),
        "sensitivity": ("sensitivity", "sensitivity_gradients", "sensitivity_centroids"),
        "synergy": ("synergies", "synergy_units"),
    },
    "language": {
        "language": ("language_exponents", "language_bootstrap"),
        "explanations": ("explanations",),
    },
    # Of networks that are attacked the spectra too.
    "robustness": {
        "attacks": ("attacks", "attack_draws", "exponents"),
        "stability": ("stability", "stability_resampled"),
    },
    "theory": {
        "superposition": ("superposition_fit",),
        "information": ("information",),
        "capacity": ("capacity",),
        "planted": ("planted",),
        "hardness": ("hardness",),
    },
}
