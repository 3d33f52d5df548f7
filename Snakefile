"""codespectra: checkpoints in; spectra, projections, directions, scores, figures, claims out."""

from snakemake.utils import min_version

min_version("9.27")


# A study given by --configfile replaces the embedded default; it isn't merged into it.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
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
include: "workflow/rules/language.smk"
include: "workflow/rules/explanations.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/targets.smk"


report: "workflow/report/workflow.rst"


localrules:
    main,


rule main:
    default_target: True
    input:
        # What a study without networks of its own holds is one of the other studies.
        MAIN_TARGETS or ALL_TARGETS,
    message:
        "The main job: every figure, table and claim of {config[study]}"


onstart:
    refuse_missing_gpu()


onsuccess:
    print(f"Figures: results/figures/{study.study}/   claims: results/claims*.csv")


onerror:
    print("A job failed; its log is named above, and all are under results/logs/.")
