"""What the zoo's jobs depend on, and the networks in words."""

# Tables of the zoo's networks on a set.
ZOO = "results/zoo/{stimuli}"


def zoo_network(wildcards):
    """The network that a job is about."""
    return plan.zoo.by_key[f"{wildcards.library}:{wildcards.network}"]


def zoo_config(wildcards):
    """`params.cfg` of one network: what it is, what it sees, and options by measure."""
    network, zoo = zoo_network(wildcards), study.zoo
    kind = "file" if network.file else network.weights
    known = {"file": {"path": network.file}, "random": {"seed": zoo.seed}}.get(kind, {})
    index = study.index.model_dump(mode="json")
    scored = {"m", "normalisation", "resamples", "seed"}
    options = {
        "exponent": {
            **{
                key: SPECTRUM[key] for key in ("ranks", "solver", "components", "resamples", "seed")
            },
            "reduction": study.spectra.reduction,
            "resampled": resampled(study, "spectra", wildcards.stimuli),
        },
        "ii": {key: index[key] for key in scored},
        "mis": stage_config(zoo.mis),
    }
    for name in ("ii", "mis"):
        options[name]["resampled"] = resampled(study, "index", wildcards.stimuli)
    nothing = {"color": False, "label": False, "backbones": []}
    return stage_config(
        architecture={"name": network.library, "model": network.name},
        weights={"kind": kind} | known,
        preprocessing=zoo.preprocessing,
        stimuli=wildcards.stimuli,
        layers=zoo.layers,
        depths=zoo.depths,
        **{key: index[key] if zoo.scores else nothing[key] for key in nothing},
        **{name: options[name] for name in zoo.measures},
    )


def zoo_embeddings(form):
    """Input function: embeddings of the images, if units are scored."""
    return lambda w: embedded_as(form, w.stimuli) if study.zoo.scores else []


def embedded_as(form, stimuli):
    """Embeddings of a set by every backbone that scores."""
    return [file.format(stimuli=stimuli) for file in embedded(form)]


def zoo_tables(wildcards):
    """The table of every network."""
    folder = ZOO.format(stimuli=wildcards.stimuli)
    return [f"{folder}/{one.library}/{one.name}.csv" for one in plan.zoo.by_key.values()]


def zoo_in_words(jobs):
    """How many networks each pattern of the config means, where any of them runs."""
    if not any(job.rule.name == "measure_network" for job in jobs):
        return []
    found = [f"{pattern}: {count}" for pattern, count in plan.zoo.matched.items()]
    untold = plan.zoo.untold
    left = f"; {untold} of {study.zoo.table} aren't among them" if untold else ""
    return [f"zoo: {len(plan.zoo.by_key)} networks ({', '.join(found) or study.zoo.table}){left}"]


TOLD.append(zoo_in_words)
