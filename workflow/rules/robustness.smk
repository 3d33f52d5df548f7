"""Robustness: adversarial attacks on networks, and noise on the images of directions (methods §6)."""

CHECKPOINTS = "results/checkpoints"


rule attack_networks:
    input:
        **STIMULI,
        checkpoints=ancient(
            lambda w: [f"{CHECKPOINTS}/{model}.pt" for model in attacked_on(w.stimuli)]
        ),
        checkpoints_manifests=lambda w: [
            f"{CHECKPOINTS}/{model}.json" for model in attacked_on(w.stimuli)
        ],
    output:
        attacks=table("results/robustness/{stimuli}/attacks.csv", "attacks on {stimuli}"),
        draws="results/robustness/{stimuli}/attack_draws.csv",
    log:
        "results/logs/attack_networks/{stimuli}.log",
    benchmark:
        "results/benchmarks/attack_networks/{stimuli}.jsonl"
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=6000, runtime=240),
    params:
        cfg=lambda w: stage_config(
            study.robustness.attacks,
            models=attacked_on(w.stimuli),
            stimuli=w.stimuli,
            resampled=resampled(study, "spectra", w.stimuli),
            resamples=study.spectra.resamples,
            seed=study.spectra.seed,
        ),
        code=code_of("attack_networks.py"),
    message:
        "Attack networks on {wildcards.stimuli}"
    script:
        "../../scripts/attack_networks.py"


rule measure_stability:
    input:
        **CHECKPOINT,
        **directions_of(lambda w: study.robustness.noise.methods),
        **EMBEDDINGS,
        **STIMULI,
    output:
        stability=table(f"{SCORES}/stability.csv", "stability under noise"),
        resampled=f"{SCORES}/stability_resampled.csv",
    log:
        "results/logs/measure_stability/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/measure_stability/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=8000, runtime=240),
    params:
        cfg=lambda w: index_config(
            w,
            **stage_config(
                methods=study.robustness.noise.methods,
                strengths=study.robustness.noise.strengths,
                seed=study.robustness.noise.seed,
                resamples=study.index.resamples,
                resampled=resampled(study, "index", w.stimuli),
                resampling_seed=study.index.seed,
            ),
        ),
        code=code_of("measure_stability.py"),
    message:
        "Stability of {wildcards.model} on {wildcards.stimuli} under noise"
    script:
        "../../scripts/measure_stability.py"


use rule figure as draw_attacks with:
    input:
        attacks=attack_tables("attacks"),
        exponents=for_each(f"{SPECTRA}/exponents.csv", attacked_runs(study)),
    output:
        **figure_files("attacks", "Robustness", "attacks, and the exponent"),
    pathvars:
        figure="attacks",
    params:
        **drawn_by("robustness.draw_attacks"),
        cfg=lambda w: stage_config(
            study=study.study,
            attacks=stage_config(study.robustness.attacks),
            networks=network_table(),
            bases=bases(attacked_runs(study)),
        ),


use rule figure as draw_stability with:
    input:
        stability=f"{SCORES}/stability.csv",
        stability_resampled=f"{SCORES}/stability_resampled.csv",
    output:
        **figure_files("stability-{model}-{stimuli}", "Robustness", "stability under noise"),
    pathvars:
        figure="stability-{model}-{stimuli}",
    params:
        **drawn_by("robustness.draw_stability"),
        cfg=stage_config(study=study.study, backbones=BACKBONES, metric=HEADLINE),


ROBUSTNESS_FIGURES = [
    *(["attacks"] if attacked_runs(study) else []),
    *for_each("stability-{model}-{stimuli}", first_of_each(study, noise_runs(study))),
]
ROBUSTNESS_TARGETS = with_claims("-robustness", pictures(ROBUSTNESS_FIGURES))
