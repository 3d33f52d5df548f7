"""Rule project_text: action of token trajectories by layer, and projections of one passage."""

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_parts
from codespectra.capture.manifest_layers import captured_parts, content_of
from codespectra.capture.rows import Rows
from codespectra.data.tokens import read_tokens
from codespectra.files.array_files import kept_rows, write_array
from codespectra.files.kept_tables import KeptTables
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import token_trajectories

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_parts(snakemake.input.manifests, cfg["parts"])


def project(activations: Rows) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """A layer's row, the passage, and (1 + keep, tokens, 3): the least action, the first draws."""
    measures = token_trajectories.film_measures(activations, sequences)
    shape = {"length": manifest["length"], "width": activations.shape[1]}
    row = token_trajectories.action_columns(measures) | shape
    drawn = token_trajectories.project_passage(
        activations[film], draws=cfg["draws"], keep=cfg["keep"], seed=cfg["seed"]
    )
    curve = pd.DataFrame(drawn.trajectories[0], columns=["x", "y", "z"])
    curve.insert(0, "position", tokens.position[film])
    curve.insert(1, "token", words)
    curve = curve.assign(action=drawn.least, expected_action=drawn.expected, draws=cfg["draws"])
    return pd.DataFrame([row]), curve, drawn.trajectories


layers = {(x["part"], x["layer"]): (where, x) for where, x in captured_parts(manifest)}
with open_captured(snakemake.input.data) as file:
    tokens = read_tokens(file)
    sequences = token_trajectories.films(tokens.sequence)
    film = token_trajectories.chosen_film(sequences, cfg["passage"])
    # As Python writes them, so that a blank or a line break shows.
    words = [repr(token) for token in tokens.strings(cfg["passage"])]
    kept = KeptTables(
        snakemake.output,
        snakemake.params,
        ["parts"],
        {key: [content_of(manifest, x), tokens.sha256] for key, (_, x) in layers.items()},
    )
    shown = kept_rows(kept, "trajectories")
    for key in progress(kept.missing, desc="trajectories"):
        row, curve, shown[key] = project(file[layers[key][1]["key"]])
        kept.add(key, action=row, passage=curve)
kept.write({key: where for key, (where, _) in layers.items()})
# (layers, 1 + keep, tokens, 3).
write_array(snakemake.output.trajectories, np.stack([shown[key] for key in layers]))
kept.keep()
