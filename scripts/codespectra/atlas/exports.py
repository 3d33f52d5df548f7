"""Exports: a Parquet table of the directions of a run; language units as Neuronpedia has them."""

import gzip
import json
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from codespectra.explanations.detection import SCORES
from codespectra.explanations.neuron_records import ActivationRecord, NeuronRecord
from codespectra.files.whole_files import atomic

Run = dict[str, Any]

# Who made what is imported: the account `bot` of a fresh Neuronpedia, its default for all uploads.
CREATOR = "clkht01d40000jv08hvalcvly"
OWNER = "codespectra"


def write_parquet(path: str | Path, run: Run, classes: list[str]) -> None:
    """Write a row a direction: where it is, its most exciting images, and all its numbers.

    Args:
        path: ends in .parquet.
        run: content of the run's shard.
        classes: of the images; may be empty.
    """
    table = pa.concat_tables(
        [_table(run, block, classes) for block in run["blocks"]], promote_options="default"
    )
    with atomic(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")


def _table(run: Run, block: dict[str, Any], classes: list[str]) -> pa.Table:
    count = block["count"]
    same = {name: run[name] for name in ("model", "weights", "stimuli", "reduction", "m")}
    same |= {"layer": run["layers"][block["layer"]], "method": run["methods"][block["method"]]}
    columns = {name: pa.array([value] * count) for name, value in same.items()}
    columns |= {
        "direction": pa.array(np.arange(count)),
        "state": pa.array([run["states"][number] for number in block["state"]]),
        "images": pa.array(block["first"].tolist(), pa.list_(pa.int64())),
        "active": _numbers(block["active"]),
        "highest": _numbers(block["highest"]),
    }
    if "favourite" in block:
        columns["class"] = pa.array([classes[number] for number in block["favourite"]])
        columns["selectivity"] = _numbers(block["selectivity"])
    for metric, own in block["scores"].items():
        for part in ("ii", "low", "high"):
            columns[f"{part} ({metric})"] = _numbers(own[part])
    more = block["measures"] | block["places"]
    more |= {f"map_{axis}": values for axis, values in block["map"].items()}
    return pa.table(columns | {name: _numbers(own) for name, own in more.items()})


def _numbers(values: np.ndarray) -> pa.Array:
    """nan is null."""
    return pa.array(np.asarray(values, dtype=np.float64), from_pandas=True)


def write_neuronpedia(
    folder: Path, model: str, layers: int, rows: list[dict[str, Any]], records: list[NeuronRecord]
) -> None:
    """Write the units of one layer and kind as Neuronpedia's exports have them.

    Lines have the columns of its database (apps/webapp/prisma/schema.prisma, read in 2026): all
    that an import needs, the same in each line. What explained a unit, and its scores, are notes:
    the column for the explainer takes only names that the database knows.

    Args:
        folder: of the source, whose name is Neuronpedia's name of the layer.
        model: its name.
        layers: that it has here.
        rows: of `text_units.unit_rows`.
        records: of the same units.
    """
    units = [
        ({"modelId": model, "layer": folder.name, "index": str(row["unit"])}, row, record)
        for row, record in zip(rows, records, strict=True)
    ]
    _write(folder / "features/batch-0.jsonl.gz", (_feature(*unit) for unit in units))
    _write(folder / "activations/batch-0.jsonl.gz", (a for u in units for a in _activations(*u)))
    _write(folder / "explanations/batch-0.jsonl.gz", (e for u in units for e in _explanations(*u)))
    for name, line in _about(model, layers, folder.name).items():
        (folder / f"{name}.jsonl").write_text(json.dumps(line) + "\n", "utf-8")


def _about(model: str, layers: int, source: str) -> dict[str, dict[str, Any]]:
    """What the units belong to; how many neurons a layer has isn't known here."""
    told = {"description": "explained units", "creatorName": OWNER}
    lines: dict[str, dict[str, Any]] = {
        "model": {"id": model, "layers": layers, "neuronsPerLayer": 0, "owner": OWNER},
        "sourceset": {"modelId": model, "name": OWNER} | told,
        "source": {"modelId": model, "id": source, "setName": OWNER},
    }
    return {name: line | {"creatorId": CREATOR} for name, line in lines.items()}


def _feature(key: dict[str, Any], row: dict[str, Any], record: NeuronRecord) -> dict[str, Any]:
    top = [max(one.activations) for one in record.most_positive_activation_records]
    return key | {"maxActApprox": max(top, default=0), "creatorId": CREATOR}


def _activations(
    key: dict[str, Any], row: dict[str, Any], record: NeuronRecord
) -> Iterator[dict[str, Any]]:
    excerpts = [*record.most_positive_activation_records, *record.random_sample]
    for number, one in enumerate(excerpts):
        yield {"id": _id(key, number)} | key | _excerpt(one) | {"creatorId": CREATOR}


def _excerpt(record: ActivationRecord) -> dict[str, Any]:
    values = record.activations
    return {
        "tokens": record.tokens,
        "values": values,
        "maxValue": max(values),
        "maxValueTokenIndex": values.index(max(values)),
        "minValue": min(values),
    }


def _explanations(
    key: dict[str, Any], row: dict[str, Any], record: NeuronRecord
) -> Iterator[dict[str, Any]]:
    for own in filter(itemgetter("explanation"), row["explanations"]):
        scores = [f"{name} {own[name]:.3g}" for name in ("score", *SCORES) if own[name] is not None]
        told = {
            "description": own["explanation"],
            "authorId": CREATOR,
            "notes": ", ".join([own["explainer"], *scores]),
        }
        yield {"id": _id(key, own["explainer"])} | key | told


def _id(key: dict[str, Any], last: object) -> str:
    """Of a row: no two of a database may have the same, whatever the model."""
    return "-".join(map(str, (*key.values(), last)))


def _write(path: Path, lines: Iterator[dict[str, Any]]) -> None:
    """JSON lines, packed without a date; no file without lines, which can't be imported."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
    if text:
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
