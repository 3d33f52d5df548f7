"""The atlas: pages on every unit and direction, which open from a folder (docs/atlas.md)."""


rule tile_images:
    input:
        **STIMULI,
    output:
        images=directory(ATLAS_IMAGES),
        manifest=f"{ATLAS_IMAGES}.json",
    log:
        "results/logs/tile_images/{stimuli}.log",
    benchmark:
        "results/benchmarks/tile_images/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=1000, runtime=60),
    params:
        cfg=lambda w: stage_config(stimuli=w.stimuli),
        code=code_of("tile_images.py"),
    message:
        "Sheets of the images of {wildcards.stimuli}"
    script:
        "../../scripts/tile_images.py"


rule place_directions:
    input:
        **captured("directions"),
        **directions_of(run_methods),
    output:
        places=f"{SCORES}/places.csv",
    log:
        "results/logs/place_directions/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/place_directions/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=8000, runtime=240),
    params:
        cfg=placed_config,
        code=code_of("place_directions.py"),
    message:
        "Where directions of {wildcards.model} on {wildcards.stimuli} lie in the spectra"
    script:
        "../../scripts/place_directions.py"


rule describe_directions:
    input:
        unpack(shown_tables),
        **directions_of(run_methods),
        **STIMULI,
    output:
        shards=directory(ATLAS_RUN),
        manifest=f"{ATLAS_RUN}.json",
        table=ATLAS_TABLE,
    log:
        "results/logs/describe_directions/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/describe_directions/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=8000, runtime=120),
    params:
        cfg=described_config,
        code=code_of("describe_directions.py"),
    message:
        "Directions of {wildcards.model} on {wildcards.stimuli} for the atlas"
    script:
        "../../scripts/describe_directions.py"


rule map_directions:
    input:
        **CHECKPOINT,
        **directions_of(run_methods),
        **STIMULI,
    output:
        shards=directory(ATLAS_MAPS),
        manifest=f"{ATLAS_MAPS}.json",
    log:
        "results/logs/map_directions/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/map_directions/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=8000, runtime=120),
    params:
        cfg=atlas_run_config,
        code=code_of("map_directions.py"),
    message:
        "Where on their images directions of {wildcards.model} on {wildcards.stimuli} respond"
    script:
        "../../scripts/map_directions.py"


rule describe_text_units:
    input:
        records="results/explanations/{model}/records.jsonl",
        units="results/explanations/{model}/units.csv",
        scores=own_explanation_scores,
    output:
        shards=directory(ATLAS_TEXT),
        manifest=f"{ATLAS_TEXT}.json",
        neuronpedia=directory(ATLAS_NEURONPEDIA),
    log:
        "results/logs/describe_text_units/{model}.log",
    benchmark:
        "results/benchmarks/describe_text_units/{model}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=2000, runtime=60),
    params:
        cfg=lambda w: stage_config(model=w.model),
        code=code_of("describe_text_units.py"),
    message:
        "Explained units of {wildcards.model} for the atlas"
    script:
        "../../scripts/describe_text_units.py"


rule bind_atlas:
    input:
        parts=atlas_parts(),
        exports=atlas_exports(),
        claims=atlas_claims(),
        exponents=per_run(f"{SPECTRA}/exponents.csv", "spectra"),
    output:
        atlas=report(
            directory(ATLAS),
            htmlindex="index.html",
            caption="../report/atlas.rst",
            category="Atlas",
            labels={"result": "every unit and direction", "form": "pages"},
        ),
    log:
        "results/logs/bind_atlas.log",
    benchmark:
        "results/benchmarks/bind_atlas.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=1000, runtime=20),
    params:
        cfg=stage_config(study=study.study, backbones=BACKBONES),
        code=code_of("bind_atlas.py"),
        page=page_digest(),
    message:
        "Bind the atlas: {output.atlas}/index.html"
    script:
        "../../scripts/bind_atlas.py"


rule atlas:
    input:
        lambda w: wanted([ATLAS] if atlas_parts() else [], "atlas", "directions"),
    message:
        f"The atlas of every unit and direction: {ATLAS}/index.html"
