"""Stimulus sets: images and labels as HDF5, each with a manifest."""


rule make_stimuli:
    output:
        **written("results/stimuli/{stimuli}"),
    log:
        "results/logs/make_stimuli/{stimuli}.log",
    benchmark:
        "results/benchmarks/make_stimuli/{stimuli}.jsonl"
    cache: SHARING
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=2000, runtime=60),
    params:
        cfg=lambda w: stage_config(study.stimuli[w.stimuli], name=w.stimuli),
        code=code_of("make_stimuli.py"),
        files=lambda w: files_of(study.stimuli[w.stimuli]),
        software=software("h5py", "numpy", "pillow", "scikit-image", "scikit-learn", "torchvision"),
    message:
        "Make the stimulus set {wildcards.stimuli}"
    script:
        "../../scripts/make_stimuli.py"
