"""Which tables the claims of a target are judged by."""

from codespectra.study.claims_beside import read_verdicts
from codespectra.study.implied import attacked_runs, noise_runs

# What backbones are in verdicts, by kind.
NO_LPIPS = {
    "network": "features of {model}",
    "dreamsim": "DreamSim, {variant}",
    "embeddings": "embeddings from a file",
}
# Of other studies by name, by claim: in `params`, so that the figure is drawn again where they change.
BESIDE = {name: read_verdicts(path) for name, path in study.figures.claims_beside.items()}


def scope_targets(scope):
    """Targets whose claims a table of claims holds."""
    if scope == "-pretrained":
        return ["main", "language"] if study.language else ["main"]
    if scope != "-everything":
        return [scope.removeprefix("-") or "main"]
    sections = {
        name: getattr(study, name) for name in ("coding", "language", "robustness", "theory")
    }
    return [target for target in NEEDS if sections.get(target, True)]


def claim_tables(wildcards):
    """What the claims of a scope are judged by, by kind of table."""
    files = {}
    for target in scope_targets(wildcards.scope):
        for kind in dict.fromkeys(chain(*NEEDS[target].values())):
            found = files.setdefault(kind, [])
            found += [file for file in table_files(kind, target) if file not in found]
    return {kind: found for kind, found in files.items() if found}


# Parts of the interpretability study that show images to the network again.
OF_NETWORKS = ("coactivation", "sensitivity")


def runs_with(kind):
    """Runs of the interpretability study that a kind of figure or table can be made of."""
    shows = kind.startswith(OF_NETWORKS)
    return [run for run in interpretability_runs(study) if run[0] in study.models or not shows]


# Of the analyses of layers and of directions, which the main job and others run.
ANALYSIS_TABLES = {
    "exponents": (f"{SPECTRA}/exponents.csv", "spectra"),
    "bootstrap": (f"{SPECTRA}/bootstrap.csv", "spectra"),
    "action": (f"{PROJECTIONS}/action.csv", "projections"),
}


def table_files(kind, target):
    """Where a kind of table lies that claims of a target need; nowhere if the study has none."""
    if target == "robustness":
        return robustness_tables(kind)
    if kind in ANALYSIS_TABLES:
        pattern, analysis = ANALYSIS_TABLES[kind]
        return per_run(pattern, f"coding_{analysis}" if target == "coding" else analysis)
    if kind in ("scores", "resampled"):
        suffix = "_resampled" if kind == "resampled" else ""
        return for_each(f"{SCORES}/directions{suffix}.csv", scored_runs(study))
    if kind == "agreement":
        return ["results/people/agreement.csv"] if study.people else []
    if kind == "explanations":
        return explanation_scores()
    if target == "interpretability":
        return for_each(f"{SCORES}/{kind}.csv", runs_with(kind) if study.directions else [])
    if target == "language":
        name = kind.removeprefix("language_")
        return of_language_models(f"results/spectra/{{model}}/text/{name}.csv")
    return [f"results/theory/{kind}.csv"]


def attacked_on(stimuli):
    """The networks that are attacked on a set."""
    return [model for model, shown in attacked_runs(study) if shown == stimuli]


def attack_tables(kind):
    """A kind of table of every set on which networks are attacked."""
    sets = dict.fromkeys(stimuli for _, stimuli in attacked_runs(study))
    return [f"results/robustness/{stimuli}/{kind}.csv" for stimuli in sets]


def robustness_tables(kind):
    """The same of the robustness study."""
    if kind == "exponents":
        return for_each(f"{SPECTRA}/exponents.csv", attacked_runs(study))
    if kind.startswith("attack"):
        return attack_tables(kind)
    return for_each(f"{SCORES}/{kind}.csv", noise_runs(study))


def origins(seeded, trained):
    """Where the weights of each model come from, in words; of networks of several seeds once."""
    models = study.models | (study.language.models if study.language else {})
    told = {name: "pretrained" if name in trained else "untrained" for name in models}
    told |= {name: "trained here" for name, model in models.items() if model.weights == "train"}
    return told | {of["base"]: told.get(n, "trained here") for n, of in seeded.items()}


def claims_config(wildcards):
    """What the verdicts of a scope depend on, besides the tables."""
    of_sweep = study.coding and {"coding", "robustness"} & {*scope_targets(wildcards.scope)}
    swept = network_table() if of_sweep else None
    # Networks that only their seeds tell apart, and what they share.
    seeded = {n: of for n, of in replicates(study).items() if swept or n not in network_table()}
    trained = [n for n, model in study.models.items() if model.is_trained]
    if study.language:
        trained += [n for n, model in study.language.models.items() if model.weights != "random"]
    return stage_config(
        study.claims,
        backbones={
            name: f"{name} ({NO_LPIPS[backbone.kind].format(**backbone.model_dump())})"
            for name, backbone in study.backbones.items()
            if backbone.kind in NO_LPIPS
        },
        trained=sorted([*trained, *(swept or [])]),
        networks=swept,
        replicates=seeded,
        origins=origins(seeded, trained),
        photographs={
            name: class_count(spec)
            for name, spec in study.stimuli.items()
            if resampled(study, "spectra", name) == "classes" and class_count(spec)
        },
        analysis_sets=study.directions.analysis_sets if study.directions else (),
        measured_only=wildcards.scope not in ("", "-everything"),
    )


def claims_by(what):
    """The verdicts' table beneath: of each scope, or of each model."""
    file = f"results/claims{{scope}}_by_{what}.csv"
    return reported(file, f"claims_by_{what}", "Claims", f"verdicts{{scope}} by {what}")
