"""Which files a job of sparse autoencoders writes, and what it depends on."""

# Options of sparse autoencoders by their names, in each folder.
AUTOENCODERS = {
    "directions": {name: own for name, own in plan.methods.items() if own["method"] == "sae"},
    "autoencoders": plan.grid,
}


def autoencoder_files(folder):
    """Outputs of the job that trains those of one size z there: three for each penalty."""
    penalties = dict.fromkeys(short(own["l1"]) for own in AUTOENCODERS[folder].values())
    names = [
        f"results/{folder}/{{model}}/{{stimuli}}/sae-{{z}}-{l1}"
        for l1 in penalties or ["none"]  # a rule without outputs is none
    ]
    forms = {"data": "h5", "manifest": "json", "epochs": "csv"}
    return {kind: [f"{name}.{form}" for name in names] for kind, form in forms.items()}


def autoencoder_sizes(folder):
    """Wildcard constraint: the sizes of those there."""
    return names_of(dict.fromkeys(str(own["z"]) for own in AUTOENCODERS[folder].values()))


def autoencoders_config(folder):
    """Input function: what those of one size depend on, besides the activations."""

    def config(wildcards):
        known = AUTOENCODERS[folder]
        own = {name: known[name] for name in known if str(known[name]["z"]) == wildcards.z}
        return run_config("directions", wildcards, autoencoders=own)

    return config
