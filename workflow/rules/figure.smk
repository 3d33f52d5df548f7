"""The base of all figures' rules, and places in the report."""

FIGURES = f"results/figures/{study.study}"
# The metric of figures that show one, and the metrics that are this workflow's own.
HEADLINE = headline_metric(study)
INHOUSE = [name for name, backbone in study.backbones.items() if backbone.kind == "inhouse"]


def reported(file, caption, category, title, form="table"):
    """An output with its place in the report; `caption` names its text in workflow/report."""
    if "{model}" in file and "{stimuli}" in file:
        title += ", {model} on {stimuli}"
    return report(
        file,
        caption=f"../report/{caption}.rst",
        category=category,
        labels={"result": title, "form": form},
    )


# Of the tables in the report, by their folder.
CATEGORIES = {
    "checkpoints": "Networks",
    "spectra": "Code",
    "projections": "Code",
    "interpretability": "Interpretability",
    "people": "Interpretability",
    "theory": "Theory",
}


def table(file, title, caption=None):
    """A table with its place in the report; its text is called as the file, unless told."""
    category = "Language" if "/text/" in file else CATEGORIES[Path(file).parts[1]]
    return reported(file, caption or Path(file).stem, category, title)


def figure_files(name, category, title):
    """Outputs of a figure's rule; the text in the report is called as what of the name is fixed."""
    caption = "figure_" + re.sub(r"-?{\w+}", "", name)
    return {
        form: reported(f"{FIGURES}/{name}.{form}", caption, category, title, form)
        for form in ("pdf", "png", "csv")
    }


def run_figure_files(name, title):
    """The same of a figure of one run of the interpretability study."""
    return figure_files(f"{name}-{{model}}-{{stimuli}}", "Interpretability", title)


def pictures(*names):
    """The figures of those names, as a target asks for them."""
    return [f"{FIGURES}/{name}.png" for name in names]


def drawn_by(figure):
    """Params of a figure: its function in `codespectra.figures`, and the digest of that code."""
    library = f"figures/{figure.split('.')[0]}.py"
    code = code_digest(SCRIPTS / "draw.py", REMEMBERED, library)
    return {"figure": figure, "code": code}


rule figure:
    input:
        lambda w: sys.exit("figure: what the rules draw_* share; ask for a figure's file"),
    log:
        "results/logs/figures/<figure>.log",
    benchmark:
        "results/benchmarks/figures/<figure>.jsonl"
    pathvars:
        figure="figure",
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=1000, runtime=20),
    params:
        cfg=stage_config(study=study.study),
    message:
        "Draw {output.png}"
    script:
        "../../scripts/draw.py"
