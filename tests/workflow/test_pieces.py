"""Captures grow file by file, tidy says which are wanted no more, and tables tell no history."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import yaml
from PIL import Image
from project import Project, copy_project, table_of_jobs

SPECTRA = "results/spectra/classifier/test/eigenvalues.csv"
LAYERS = ["relu", "layer[12].0.relu*"]
MORE = {"spectra.layers": [*LAYERS, "layer3"]}


def ran(project: Project, target: str, study: str) -> dict[str, int]:
    """Jobs of a run that must end well, without the target itself."""
    done = project.snakemake(target, "--cores", "1", study=study)
    assert done.returncode == 0, done.stdout
    return table_of_jobs(done)


def state(files: list[Path]) -> dict[Path, tuple[int, bytes]]:
    return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


def test_a_layer_more_is_captured_alone_and_tables_are_those_of_a_fresh_run(mini, tmp_path):
    grown, fresh = (mini.copy(tmp_path / name) for name in ("grown", "fresh"))
    folder = grown.folder / "results/activations/classifier"
    before = state([*folder.iterdir()])
    study = grown.write_study(MORE)
    assert ran(grown, SPECTRA, study) == {"capture_activations": 1, "fit_spectra": 1}
    assert state([*before]) == before
    (piece,) = {*folder.glob("*.h5")} - {*before}
    with h5py.File(piece) as file:
        assert [*file["stride"]] == ["layer3"]
    assert ran(grown, SPECTRA, study) == {}
    # Layers less: nothing is captured, and what stands stays.
    assert ran(grown, SPECTRA, grown.write_study({})) == {"fit_spectra": 1}
    assert ran(grown, SPECTRA, study := grown.write_study(MORE)) == {"fit_spectra": 1}
    (fresh.folder / "results/activations/classifier/test.json").unlink()
    fresh.write_study(MORE)
    assert ran(fresh, SPECTRA, study) == {"capture_activations": 1, "fit_spectra": 1}
    tables = [Project(one.folder / "results/spectra/classifier/test") for one in (grown, fresh)]
    assert not [*(fresh.folder / "results/activations/classifier").glob("test+*")]
    one, other = ({f.name: f.read_bytes() for f in t.folder.glob("*.csv")} for t in tables)
    assert one == other


def test_an_edit_of_the_capture_makes_one_file_of_all(mini, tmp_path):
    project = mini.copy(tmp_path / "copy")
    study = project.write_study(MORE)
    ran(project, SPECTRA, study)
    script = project.folder / "scripts/capture_activations.py"
    script.write_text(script.read_text().replace('log.info("accuracy', 'log.info("an accuracy'))
    jobs = ran(project, SPECTRA, study)
    assert jobs == {"capture_activations": 1, "fit_spectra": 1}
    with h5py.File(project.folder / "results/activations/classifier/test.h5") as file:
        assert "layer3" in file["stride"]


def test_a_part_more_of_a_language_model_is_captured_alone(mini, tmp_path):
    project = mini.copy(tmp_path / "copy")
    table = "results/spectra/gpt/text/eigenvalues.csv"
    study = project.write_study({"language.parts.attention": ["*.attn.c_proj"]})
    assert ran(project, table, study) == {"capture_text": 1, "fit_text_spectra": 1}
    grown = (project.folder / table).read_bytes()
    # The same part under another selector: the layers that it had stay where they are.
    study = project.write_study({"language.parts.attention": ["transformer.h.[12].attn.c_proj"]})
    assert ran(project, table, study) == {"capture_text": 1, "fit_text_spectra": 1}
    assert (project.folder / table).read_bytes() != grown
    study = project.write_study({"language.parts.attention": ["*.attn.c_proj"]})
    assert ran(project, table, study) == {"fit_text_spectra": 1}
    assert (project.folder / table).read_bytes() == grown


def test_images_more_at_the_end_of_a_folder_are_shown_alone(tmp_path):
    project = copy_project(tmp_path)
    folder, drawn = tmp_path / "images", np.random.default_rng(0)
    folder.mkdir()

    def add(names: range) -> None:
        for name in names:
            pixels = drawn.integers(256, size=(16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{name:04}.png")

    study = project.folder / "growing.yaml"
    network = {"architecture": {"name": "bottleneck_resnet", "width": 4}, "weights": "random"}
    config = {
        "study": "growing",
        "stimuli": {"mine": {"source": "folder", "root": str(folder), "side": 16}},
        "models": {"net": network},
        "spectra": {"models": ["net"], "stimuli": ["mine"], "layers": ["layer1"], "ranks": [2, 12]},
        "directions": {
            "runs": [{"model": "net", "stimuli": "mine"}],
            "analysis_set": "mine",
            "layers": ["layer1"],
            "methods": {"neurons": {}},
        },
        "backbones": {"other": {"kind": "network", "model": "net", "layers": ["layer1"]}},
        "index": {"backbones": ["other"], "label": False},
    }
    study.write_text(yaml.safe_dump(config))
    target = "results/spectra/net/mine/eigenvalues.csv"
    scores = "results/interpretability/net/mine/directions.csv"
    add(range(300))
    ran(project, scores, study.name)
    ran(project, target, study.name)
    add(range(300, 330))
    said = project.snakemake(target, "--dry-run", study=study.name).stdout
    assert "stimuli.mine: 330 images, 300 before" in said
    again = {"make_stimuli": 1, "capture_activations": 1, "fit_spectra": 1}
    assert ran(project, target, study.name) == again
    log = project.folder / "results/logs/capture_activations/net/mine.log"
    assert "taken from the last run: 256 of 330 images" in log.read_text()
    again = {"embed_stimuli": 1, "find_directions": 1, "score_interpretability": 1}
    assert ran(project, scores, study.name) == again
    log = project.folder / "results/logs/embed_stimuli/other/mine.log"
    assert "computed: 1: images 256-329" in log.read_text()
    grown = [(project.folder / table).read_bytes() for table in (target, scores)]
    assert ran(project, target, study.name) == {}
    shutil.rmtree(project.folder / "results")
    for table, before in zip((target, scores), grown, strict=True):
        ran(project, table, study.name)
        assert (project.folder / table).read_bytes() == before


def test_tidy_tells_what_is_wanted_no_more_and_deletes_it_once_confirmed(mini, tmp_path):
    project = mini.copy(tmp_path / "copy")
    ran(project, SPECTRA, project.write_study(MORE))
    results = project.folder / "results"

    def activations() -> set[Path]:
        return {f for f in results.rglob("activations/**/*") if f.suffix != ".lock"}

    before = activations()
    assert (
        "nothing to tidy"
        in project.snakemake("tidy", "-c1", study=project.write_study(MORE)).stdout
    )
    study = project.write_study({})
    said = project.snakemake("tidy", "-c1", study=study).stdout
    unwanted = {file for file in before if "+" in file.name}  # and their second names
    shown = {str(f.relative_to(project.folder)) for f in unwanted if not f.name.startswith(".")}
    assert len(shown) == 2 and all(name in said for name in shown)
    assert activations() == before
    said = project.snakemake("tidy", "-c1", "--config", "confirm=yes", study=study).stdout
    assert "deleted" in said
    assert activations() == before - unwanted
    assert project.would_run(study=study, target=SPECTRA) == {"fit_spectra": 1}
