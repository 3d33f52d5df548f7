"""What of the rules' outputs the report shows: tables, and pictures of figures."""


def reported(file, caption, category, title, form="table"):
    """An output with its place in the report; `caption` names its text in workflow/report."""
    if "{model}" in file and "{stimuli}" in file:
        title += ", {model} on {stimuli}"
    labels = {"result": title, "form": form}
    return report(file, caption=f"../report/{caption}.rst", category=category, labels=labels)


# Of the tables in the report, by their folder.
CATEGORIES = {
    "checkpoints": "Networks",
    **dict.fromkeys(("spectra", "projections"), "Code"),
    **dict.fromkeys(("interpretability", "people"), "Interpretability"),
    "theory": "Theory",
    "robustness": "Robustness",
    "zoo": "Zoo",
}


def table(file, title, caption=None):
    """A table with its place in the report; its text is called as the file, unless told."""
    category = "Language" if "/text/" in file else CATEGORIES[Path(file).parts[1]]
    return reported(file, caption or Path(file).stem, category, title)


def figure_files(name, category, title):
    """Outputs of a figure's rule: the report shows the picture alone, and stays small.

    Its text there is called as what of the name is fixed.
    """
    fixed = re.sub(r"-?{\w+}", "", name)
    pdf, png, csv = (f"{FIGURES}/{name}.{form}" for form in ("pdf", "png", "csv"))
    return {"pdf": pdf, "png": reported(png, f"figure_{fixed}", category, title, "png"), "csv": csv}


def run_figure_files(name, title):
    """The same of a figure of one run of the interpretability study."""
    return figure_files(f"{name}-{{model}}-{{stimuli}}", "Interpretability", title)


def pictures(names):
    """The figures of those names, as a target asks for them."""
    return [f"{FIGURES}/{name}.png" for name in names]


def with_claims(scope, files):
    """The files of a target, and the claims on them; nothing if there are none."""
    claims = [*pictures([f"claims{scope}"]), f"results/claims{scope}.csv"]
    return [*files, *claims] if files else []


def drawn_by(figure):
    """Params of a figure: its function in `codespectra.figures`, and the digest of that code."""
    library = f"figures/{figure.split('.')[0]}.py"
    code = code_digest(SCRIPTS / "draw.py", REMEMBERED, library)
    return {"figure": figure, "code": code}
