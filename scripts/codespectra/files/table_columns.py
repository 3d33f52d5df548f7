"""Columns that each kind of table must have when it is read: of text, and of numbers.

A table may have more. Names are separated by blanks. What is missing is an empty field; of a text,
that is the empty one.
"""

RUN = "model weights stimuli reduction"
ZOO = "library network weights stimuli layer type reduction measure metric note"
SCORED = f"{RUN} layer method metric part"

# Kind -> (columns of text, columns of numbers).
COLUMNS = {
    # Spectra and projections.
    "eigenvalues": (f"{RUN} layer", "depth rank eigenvalue"),
    "exponents": (f"{RUN} layer", "depth alpha alpha_low alpha_high stimulus_count"),
    "bootstrap": (f"{RUN} layer", "depth draw alpha"),
    "left_out": (f"{RUN} layer class", "depth alpha"),
    "estimates": (f"{RUN} layer estimator quantity ranks note", "depth value low high"),
    "windows": (f"{RUN} layer kind", "depth first_rank last_rank alpha"),
    "crossed_eigenvalues": (f"{RUN} layer", "depth rank eigenvalue plain"),
    "crossed_exponents": (f"{RUN} layer", "depth alpha plain_alpha stimulus_count"),
    "action": (f"{RUN} layer", "depth action relative_action roughness explained draws frames"),
    "filters": (
        f"{RUN} layer kind",
        "stimulus_count image_count rank scale folded_frequency_cycles_per_side",
    ),
    # Interpretability.
    "scores": (f"{SCORED} state", "stimulus_count m image_groups direction sign ii low high"),
    "resampled": (SCORED, "draw mean variance count"),
    "halves": (f"{SCORED} state half", "stimulus_count m image_groups direction sign ii low high"),
    "halves_resampled": (f"{SCORED} half", "draw mean variance count"),
    "places": (
        f"{RUN} layer method",
        "direction variance_share ranks_1_10 ranks_11_50 ranks_51_200 mean_rank x y",
    ),
    "psychophysics": (f"{RUN} layer method metric", "direction difficulty trials correct accuracy"),
    "trial": (f"{RUN} layer method metric role", "direction difficulty image chosen"),
    "manifold_images": (f"{RUN} layer map_metric label", "image x y red green blue"),
    "manifold_activity": (f"{RUN} layer map_metric method", "direction image activity"),
    "manifold_units": (f"{RUN} layer map_metric method metric", "direction ii spread"),
    "further": (
        f"{RUN} resampled layer method metric score similarity state",
        "stimulus_count image_groups slope images direction value low high",
    ),
    "further_resampled": (
        f"{RUN} resampled layer method metric score",
        "image_groups draw mean variance count",
    ),
    "further_means": (
        f"{RUN} resampled layer method metric score similarity",
        "image_groups slope images directions live rare dead mean low high",
    ),
    "coactivation": (f"{RUN} layer stage metric", "direction ii coactivation"),
    "sensitivity": (f"{RUN} layer metric", "a b t ii"),
    "sensitivity_gradients": (f"{RUN} layer", "a b t gradient_norm gradient_norm_a"),
    "sensitivity_pairs": (f"{RUN} layer metric", "a b distance cross_ii"),
    "sensitivity_centroids": (f"{RUN} layer metric", "direction ii least_gradient_norm"),
    "synergies": (f"{RUN} layer metric", "a b correlation ii synergy"),
    "synergy_units": (f"{RUN} layer metric", "direction ii best_synergy best_ii"),
    "synergy_images": (f"{RUN} layer metric role", "pair a b synergy ii rank image"),
    # The zoo.
    "zoo_network": (ZOO, "parameters stimulus_count depth width value low high"),
    "zoo": (ZOO, "parameters accuracy year stimulus_count depth width value low high"),
    # Robustness.
    "attacks": (
        "model weights stimuli attack measure",
        "epsilon value low high image_count image_groups",
    ),
    "attack_draws": ("model weights stimuli attack measure", "epsilon draw value"),
    "stability": (
        f"{RUN} layer method metric",
        "image_groups direction ii strength correlation kept",
    ),
    "stability_resampled": (f"{RUN} layer method metric measure", "strength draw rho"),
    "agreement": (
        "condition backbone weights stage confidence part",
        "n_responses n_units auc auc_low auc_high",
    ),
    "agreement_curves": ("stage confidence part", "false_positive_rate true_positive_rate"),
    # Language.
    "language_exponents": (
        f"{RUN} part layer",
        "depth alpha alpha_low alpha_high alpha_without_first stimulus_count sequence_count",
    ),
    "language_bootstrap": (f"{RUN} part layer", "depth draw alpha"),
    "language_eigenvalues": (f"{RUN} part layer", "depth rank eigenvalue"),
    "language_action": (f"{RUN} part layer", "depth action relative_action roughness sequences"),
    "passage": (f"{RUN} part layer token", "depth x y z action expected_action draws"),
    "units": (f"{RUN} part layer kind", "depth unit action"),
    "explanations": (
        f"{RUN} part layer kind explainer explanation",
        "depth score n_tokens n_records detection detection_contexts detection_unparsed "
        "fuzzing fuzzing_contexts fuzzing_unparsed",
    ),
    "published": ("explanation", "depth score n_tokens"),
    # Verdicts.
    "claims": (
        "id claim figure part statistic over close_call verdict reason",
        "parts estimate low high scopes left_out p q margin border",
    ),
    "claims_by_scope": (
        "id claim figure scope counts statistic over verdict reason",
        "estimate low high n p",
    ),
    "claims_by_model": ("id claim figure model origin over", "estimate low high margin border"),
    # Theory.
    "capacity": ("", "dropout capacity_bits exact_bits low_bits high_bits paper_low_bits gap"),
    "capacity_layers": ("", "dropout layer uncorrected_share corrected_share"),
    "entropy": ("", "alpha width bits paper_bits from_std_bits smooth_code_action"),
    "information": ("kind estimator", "seed layer bits ceiling_bits"),
    "information_checks": ("estimator", "true_bits bits ceiling_bits"),
    "planted": (
        "atoms method",
        "density noise seed size l1 directions rows m mmcs mmcs_found chance ii rank_correlation",
    ),
    "hardness": ("code read_out", "p seed accuracy chance tested learned"),
    "superposition": ("", "seed density features hidden dimensions_per_feature"),
    "superposition_fit": ("", "seed entropy_bits explained n_scored floor"),
}
# The same columns under another name.
COLUMNS |= {
    "autoencoders": COLUMNS["scores"],
    "autoencoders_resampled": COLUMNS["resampled"],
}
