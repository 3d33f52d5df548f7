"""What results take of the disk that no analysis wants any more."""


rule tidy:
    log:
        "results/logs/tidy.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=1000, runtime=20),
    params:
        unwanted=lambda w: unwanted_activations(),
        confirmed="confirm=yes" in (workflow.config_settings.config_args or []),
    message:
        "Activations that this study wants no more"
    script:
        "../../scripts/tidy.py"
