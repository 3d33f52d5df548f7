"""The zoo: many networks of timm and torchvision, a job each; what they have in one table."""


rule measure_network:
    input:
        **STIMULI,
        embeddings=ancient(zoo_embeddings("h5")),
        embeddings_manifests=zoo_embeddings("json"),
    output:
        table=f"{ZOO}/{{library}}/{{network}}.csv",
    log:
        "results/logs/measure_network/{stimuli}/{library}/{network}.log",
    benchmark:
        "results/benchmarks/measure_network/{stimuli}/{library}/{network}.jsonl"
    wildcard_constraints:
        library="timm|torchvision",
        network=names_of(one.name for one in plan.zoo.by_key.values()),
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=6000, runtime=60),
    params:
        cfg=zoo_config,
        code=code_of("measure_network.py"),
        files=lambda w: files_of(zoo_network(w)),
    message:
        "Measure {wildcards.library}'s {wildcards.network} on {wildcards.stimuli}"
    script:
        "../../scripts/measure_network.py"


rule gather_zoo:
    input:
        tables=zoo_tables,
    output:
        table=table(f"{ZOO}/networks.csv", "the zoo on {stimuli}", "zoo"),
    log:
        "results/logs/gather_zoo/{stimuli}.log",
    benchmark:
        "results/benchmarks/gather_zoo/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=1000, runtime=20),
    params:
        cfg=lambda w: stage_config(
            networks=[
                {"accuracy": one.accuracy, "year": one.year} for one in plan.zoo.by_key.values()
            ]
        ),
        code=code_of("gather_zoo.py"),
    message:
        "Gather the networks of the zoo on {wildcards.stimuli}"
    script:
        "../../scripts/gather_zoo.py"


use rule figure as draw_zoo with:
    input:
        zoo=[f"results/zoo/{study.zoo.stimuli}/networks.csv"] if study.zoo else [],
    output:
        **figure_files("zoo", "Zoo", "exponent, II and MIS of many networks"),
    pathvars:
        figure="zoo",
    params:
        **drawn_by("zoo.draw_zoo"),
        cfg=stage_config(study.claims, study=study.study, backbones=BACKBONES, metric=HEADLINE),


ZOO_TARGETS = pictures(["zoo"]) if study.zoo else []
