"""II of methods, halves, controls and autoencoders compared (B fig. 3, 9), and with other scores."""


rule score_halves:
    input:
        **captured("directions"),
        **EMBEDDINGS,
        **STIMULI,
        scores=f"{SCORES}/directions.csv",
    output:
        halves=table(f"{SCORES}/halves.csv", "II on halves of the units"),
        resampled=f"{SCORES}/halves_resampled.csv",
    log:
        "results/logs/score_halves/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/score_halves/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=8000, runtime=120),
    params:
        cfg=lambda w: index_config(
            w,
            metric=HEADLINE,
            kmeans=study.directions.methods.kmeans.model_dump(exclude={"k"}),
            resamples=study.index.resamples,
            resampled=resampled(study, "index", w.stimuli),
            seed=study.index.seed,
        ),
        code=code_of("score_halves.py"),
    message:
        "II on halves of the units of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/score_halves.py"


use rule figure as draw_index_panels with:
    input:
        scores=f"{SCORES}/directions.csv",
        resampled=f"{SCORES}/directions_resampled.csv",
        halves=f"{SCORES}/halves.csv",
        halves_resampled=f"{SCORES}/halves_resampled.csv",
    output:
        **run_figure_files("index", "II by method, perceptual layer and half"),
    pathvars:
        figure="index-{model}-{stimuli}",
    params:
        **drawn_by("index_methods.draw_index_panels"),
        cfg=stage_config(study=study.study, backbones=BACKBONES, metric=HEADLINE),


use rule figure as draw_controls with:
    input:
        scores=for_each(f"{SCORES}/directions.csv", interpretability_runs(study)),
        resampled=for_each(f"{SCORES}/directions_resampled.csv", interpretability_runs(study)),
    output:
        **figure_files("controls", "Interpretability", "gains of K-Means and of controls"),
    pathvars:
        figure="controls",
    params:
        **drawn_by("index_methods.draw_controls"),
        cfg=stage_config(
            study=study.study, backbones=BACKBONES, bases=bases(interpretability_runs(study))
        ),


use rule figure as draw_autoencoders with:
    input:
        autoencoders=f"{SCORES}/autoencoders.csv",
        autoencoders_resampled=f"{SCORES}/autoencoders_resampled.csv",
        scores=f"{SCORES}/directions.csv",
        resampled=f"{SCORES}/directions_resampled.csv",
        manifests=directed([*plan.grid], "json", "autoencoders"),
    output:
        **run_figure_files("autoencoders", "sparse autoencoders"),
    pathvars:
        figure="autoencoders-{model}-{stimuli}",
    params:
        **drawn_by("autoencoders.draw_autoencoders"),
        cfg=stage_config(
            study=study.study, backbones=BACKBONES, metric=HEADLINE, methods=[*plan.grid]
        ),


rule score_further:
    input:
        **directions_of(run_methods),
        **EMBEDDINGS,
        **STIMULI,
        scores=f"{SCORES}/directions.csv",
    output:
        scores=f"{SCORES}/further.csv",
        resampled=f"{SCORES}/further_resampled.csv",
        means=table(f"{SCORES}/further_means.csv", "MIS, monosemanticity and more by method"),
    log:
        "results/logs/score_further/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/score_further/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=8000, runtime=120),
    params:
        cfg=lambda w: run_config(
            "directions",
            w,
            **study.index.model_dump(mode="json", include={"color", "label", "backbones"}),
            **stage_config(study.interpretability.further_scores),
            methods=run_methods(w),
            resampled=resampled(study, "index", w.stimuli),
        ),
        code=code_of("score_further.py"),
    message:
        "MIS, monosemanticity and more of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/score_further.py"


use rule figure as draw_score_agreement with:
    input:
        scores=f"{SCORES}/directions.csv",
        further=f"{SCORES}/further.csv",
    output:
        **run_figure_files("score_agreement", "how scores agree"),
    pathvars:
        figure="score_agreement-{model}-{stimuli}",
    params:
        **drawn_by("further_scores.draw_score_agreement"),
        cfg=stage_config(study.claims, study=study.study, backbones=BACKBONES, metric=HEADLINE),
