"""Figures, each as PDF and PNG beside the CSV that it draws.

Those with {prefix} are drawn of the main job's networks, and of the sweep's lowest and highest
dropout.
"""

EXPONENTS = drawn(f"{SPECTRA}/exponents.csv", "spectra")
ACTION = drawn(f"{PROJECTIONS}/action.csv", "projections")


use rule figure as draw_spectra with:
    input:
        eigenvalues=drawn(f"{SPECTRA}/eigenvalues.csv", "spectra"),
        exponents=EXPONENTS,
    output:
        **figure_files("{prefix}spectra", "Code", "eigenspectra by depth {prefix}"),
    pathvars:
        figure="{prefix}spectra",
    params:
        **drawn_by("spectra.draw_spectra"),
        cfg=depth_config("spectra"),


use rule figure as draw_filters with:
    input:
        data=ancient(drawn("results/filters/{model}/{stimuli}.h5", "filters")),
        manifests=drawn("results/filters/{model}/{stimuli}.json", "filters"),
        filters=drawn("results/filters/{model}/{stimuli}.csv", "filters"),
    output:
        **figure_files("{prefix}filters", "Code", "eigenvectors as filters {prefix}"),
    pathvars:
        figure="{prefix}filters",
    params:
        **drawn_by("filters.draw_filters"),


use rule figure as draw_exponents with:
    input:
        exponents=EXPONENTS,
        left_out=drawn(f"{SPECTRA}/left_out.csv", "spectra"),
    output:
        **figure_files("{prefix}exponents", "Code", "exponent against depth {prefix}"),
    pathvars:
        figure="{prefix}exponents",
    params:
        **drawn_by("spectra.draw_exponents"),
        cfg=depth_config("spectra"),


use rule figure as draw_windows with:
    input:
        windows=per_run(f"{SPECTRA}/windows.csv", "spectra"),
        estimates=per_run(f"{SPECTRA}/estimates.csv", "spectra"),
    output:
        **figure_files("windows", "Code", "exponents by window of ranks"),
    pathvars:
        figure="windows",
    params:
        **drawn_by("windows.draw_windows"),
        cfg=stage_config(study=study.study, bases=bases(analyses(study)["spectra"].runs)),


use rule figure as draw_size with:
    input:
        exponents=for_each(f"{SPECTRA}/exponents.csv", study.spectra.runs),
        bootstrap=for_each(f"{SPECTRA}/bootstrap.csv", study.spectra.runs),
        checkpoints=[f"results/checkpoints/{model}.json" for model in study.spectra.models],
    output:
        **figure_files("size", "Code", "exponents against network size"),
    pathvars:
        figure="size",
    params:
        **drawn_by("size.draw_size"),
        cfg=stage_config(study=study.study, bases=bases(study.spectra.runs)),


use rule figure as draw_trajectories with:
    input:
        trajectories=first_drawn(f"{PROJECTIONS}/trajectories.npy", "projections"),
        action=first_drawn(f"{PROJECTIONS}/action.csv", "projections"),
    output:
        **figure_files("{prefix}trajectories", "Code", "random projections of the dot {prefix}"),
    pathvars:
        figure="{prefix}trajectories",
    params:
        **drawn_by("projections.draw_trajectories"),


use rule figure as draw_action with:
    input:
        action=ACTION,
        exponents=EXPONENTS,
    output:
        **figure_files("{prefix}action", "Code", "action against depth and exponent {prefix}"),
    pathvars:
        figure="{prefix}action",
    params:
        **drawn_by("projections.draw_action"),
        cfg=depth_config("projections"),


use rule figure as draw_index with:
    input:
        scores=for_each(f"{SCORES}/directions.csv", scored_runs(study)),
    output:
        **figure_files("interpretability", "Interpretability", "II by method and metric"),
    pathvars:
        figure="interpretability",
    params:
        **drawn_by("index.draw_index"),
        cfg=stage_config(study=study.study, backbones=BACKBONES, bases=bases(scored_runs(study))),


use rule figure as draw_exciting_images with:
    input:
        **directions_of(exciting_methods),
        **STIMULI,
        scores=f"{SCORES}/directions.csv",
    output:
        **run_figure_files("images", "images"),
    pathvars:
        figure="images-{model}-{stimuli}",
    params:
        **drawn_by("index.draw_exciting_images"),
        cfg=lambda w: stage_config(
            mei_methods=exciting_methods(w),
            study=study.study,
            backbones=BACKBONES,
            m=study.index.m,
            metric=HEADLINE,
        ),


# Figures of the main job, and the analyses that each one shows.
MAIN_FIGURES = {
    **dict.fromkeys(("spectra", "exponents"), {"spectra"}),
    **({"windows": {"spectra"}} if "windows" in study.spectra.estimators else {}),
    **({"size": {"spectra"}} if len(study.spectra.models) > 1 else {}),
    "filters": {"filters"},
    "trajectories": {"projections"},
    "action": {"projections", "spectra"},
    "interpretability": {"scores"},
}
MAIN_RUNS = {*study.models, *study.activations}
MAIN_ANALYSES = {kind for kind, model, _ in plan.selected if model in MAIN_RUNS}
if scored_runs(study):
    MAIN_ANALYSES.add("scores")
MAIN_NAMES = [name for name, shown in MAIN_FIGURES.items() if shown <= MAIN_ANALYSES]
EXCITING = first_of_each(study, scored_runs(study)) if study.figures.mei_methods else []
MAIN_IMAGES = for_each(f"{FIGURES}/images-{{model}}-{{stimuli}}.png", EXCITING)
# Of activations whose images aren't there, and of those with repeats.
UNSCORED = [
    f"results/directions/{model}/{stimuli}/{method}.json"
    for model, stimuli in directions_runs(study)
    if stimuli not in study.stimuli
    for method in methods_of(study, model, stimuli)
]
REPEATED = for_each(f"{SPECTRA}/cross_validated_exponents.csv", plan.repeated)
MAIN_TARGETS = with_claims("", pictures(MAIN_NAMES) + MAIN_IMAGES + UNSCORED + REPEATED)
