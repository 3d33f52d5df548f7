"""Synergy: all pairs of units of a layer, added (methods §6)."""


rule score_synergies:
    input:
        **captured("directions"),
        **EMBEDDINGS,
        **STIMULI,
    output:
        synergies=f"{SCORES}/synergies.csv",
        units=table(f"{SCORES}/synergy_units.csv", "best synergy of every unit"),
        images=f"{SCORES}/synergy_images.csv",
    log:
        "results/logs/score_synergies/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/score_synergies/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=8000, runtime=120),
    params:
        cfg=lambda w: index_config(w),
        code=code_of("score_synergies.py"),
    message:
        "Synergy of all pairs of units of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/score_synergies.py"


use rule figure as draw_synergy with:
    input:
        synergies=f"{SCORES}/synergies.csv",
        synergy_units=f"{SCORES}/synergy_units.csv",
    output:
        **run_figure_files("synergy", "synergy of pairs of units"),
    pathvars:
        figure="synergy-{model}-{stimuli}",
    params:
        **drawn_by("synergy.draw_synergy"),
        cfg=stage_config(study=study.study, backbones=BACKBONES, metric=HEADLINE),


use rule figure as draw_pairs with:
    input:
        **STIMULI,
        synergy_images=f"{SCORES}/synergy_images.csv",
    output:
        **run_figure_files("pairs", "images of the best pairs of units"),
    pathvars:
        figure="pairs-{model}-{stimuli}",
    params:
        **drawn_by("synergy.draw_pairs"),
        cfg=stage_config(study=study.study, backbones=BACKBONES, metric=HEADLINE),
