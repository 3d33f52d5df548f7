"""codespectra: checkpoints in; spectra, projections, directions, scores, figures, claims out."""

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/environment.smk"


# A study given by --configfile or another workflow replaces it; the two aren't merged.
if not STUDY_GIVEN:

    configfile: DEFAULT_STUDY


include: "workflow/rules/common.smk"
include: "workflow/rules/figure.smk"
include: "workflow/rules/stimuli.smk"
include: "workflow/rules/checkpoints.smk"
include: "workflow/rules/capture.smk"
include: "workflow/rules/spectra.smk"
include: "workflow/rules/projections.smk"
include: "workflow/rules/directions.smk"
include: "workflow/rules/interpretability.smk"
include: "workflow/rules/comparisons.smk"
include: "workflow/rules/psychophysics.smk"
include: "workflow/rules/manifold.smk"
include: "workflow/rules/sensitivity.smk"
include: "workflow/rules/synergy.smk"
include: "workflow/rules/coding.smk"
include: "workflow/rules/robustness.smk"
include: "workflow/rules/language.smk"
include: "workflow/rules/explanations.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/targets.smk"


report: "workflow/report/workflow.rst"


rule main:
    default_target: True
    input:
        MAIN_TARGETS or ALL_TARGETS,  # a study without networks of its own is one of the others
    message:
        f"The main job: every figure, table and claim of {study.study}"


onstart:
    refuse_missing_gpu()


onsuccess:
    say_what_ran(f"Figures: results/figures/{study.study}/   claims: results/claims*.csv")


onerror:
    say_what_ran("A job failed; its log is named above, and all are under results/logs/.")
