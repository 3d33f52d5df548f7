"""Rule explain_by_chat: a chat model explains each unit, another one simulates it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from codespectra.explanations.chat import Models, explain_units
from codespectra.explanations.chat_answers import Answers
from codespectra.explanations.chat_endpoint import Endpoint
from codespectra.explanations.detection import SCORES
from codespectra.explanations.neuron_records import (
    NeuronRecord,
    NeuronSimulationResults,
    read_lines,
    write_lines,
)
from codespectra.explanations.scores import score_row
from codespectra.files.csv_tables import read_csv
from codespectra.files.csv_writer import write_csv
from codespectra.files.notes import check_noted
from codespectra.files.one_writer import only_writer
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg, chat = snakemake.params.cfg, snakemake.config["runtime"]["chat"]
models = Models(cfg["explainer_model"], cfg["simulator_model"])
explainer = f"openai {models.explainer} / {models.simulator}"
units = read_csv(snakemake.input.units, "units").to_dict("records")
check_noted(snakemake.input.records)
records = read_lines(snakemake.input.records, NeuronRecord)
# Beside the models' folders and no output of a rule: answers outlive the job, and all models share
# them and their limit.
folder = Path(snakemake.output.scores).parent.parent / "answers"
scores = []


def explanations(answers: Answers) -> Iterator[NeuronSimulationResults]:
    """The scored explanations of all units in order; their rows go to `scores`."""
    explained = explain_units(records, len(units), answers, models, chat["concurrency"])
    explained = progress(explained, total=len(units), desc="units")
    for unit, (results, judged, note, top_only) in zip(units, explained, strict=True):
        row = score_row(results)
        scores.append(
            unit
            | {"explainer": explainer}
            | row
            | judged
            | {
                "note": note or row["note"],
                "top_only": top_only,
                "explanation": results.scored_explanations[0].explanation,
            }
        )
        yield results


with only_writer(folder):
    answers = Answers(
        folder,
        Endpoint.of(os.environ),
        token_limit=chat["token_limit"],
        timeout=chat["timeout"],
        retries=chat["retries"],
    )
    write_lines(snakemake.output.explanations, explanations(answers))
log.info("answers have cost %d of %d tokens", answers.budget.spent, chat["token_limit"])
table = pd.DataFrame(scores)
for score in SCORES:
    count, unparsed = (int(table[f"{score}_{what}"].sum()) for what in ("contexts", "unparsed"))
    log.info("%s: %d contexts judged; %d answers were neither 1 nor 0", score, count, unparsed)
    if unparsed and not count:
        log.warning(
            "%s: model %r answers neither 1 nor 0, so that no unit has this score; set "
            "OPENAI_SIMULATOR_MODEL to another model for it",
            *(score, models.simulator),
        )
write_csv(snakemake.output.scores, table)
