"""Neuronpedia's exports: ours go into a database that has what its schema demands."""

import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from codespectra.atlas.exports import CREATOR, write_neuronpedia
from codespectra.atlas.text_units import KEYS
from codespectra.explanations.detection import SCORES
from codespectra.explanations.neuron_records import ActivationRecord, NeuronId, NeuronRecord

# Columns that can't be empty and have no default, and references, as Neuronpedia's repository has
# them in apps/webapp/prisma/schema.prisma; lists are text here.
SCHEMA = """
CREATE TABLE User (id TEXT NOT NULL PRIMARY KEY) STRICT;
CREATE TABLE ExplanationModelType (name TEXT NOT NULL PRIMARY KEY) STRICT;
CREATE TABLE Model (id TEXT NOT NULL PRIMARY KEY, creatorId TEXT NOT NULL REFERENCES User,
  layers INTEGER NOT NULL, neuronsPerLayer INTEGER NOT NULL, owner TEXT NOT NULL) STRICT;
CREATE TABLE SourceSet (modelId TEXT NOT NULL REFERENCES Model, name TEXT NOT NULL,
  description TEXT NOT NULL, creatorName TEXT NOT NULL, creatorId TEXT NOT NULL REFERENCES User,
  releaseName TEXT, PRIMARY KEY (modelId, name)) STRICT;
CREATE TABLE Source (id TEXT NOT NULL, modelId TEXT NOT NULL REFERENCES Model,
  setName TEXT NOT NULL, creatorId TEXT NOT NULL REFERENCES User, PRIMARY KEY (modelId, id),
  FOREIGN KEY (modelId, setName) REFERENCES SourceSet) STRICT;
CREATE TABLE Neuron (modelId TEXT NOT NULL REFERENCES Model, layer TEXT NOT NULL,
  "index" TEXT NOT NULL, creatorId TEXT REFERENCES User, maxActApprox REAL,
  PRIMARY KEY (modelId, layer, "index"), FOREIGN KEY (modelId, layer) REFERENCES Source) STRICT;
CREATE TABLE Activation (id TEXT NOT NULL PRIMARY KEY, tokens TEXT, "index" TEXT NOT NULL,
  layer TEXT NOT NULL, modelId TEXT NOT NULL, maxValue REAL NOT NULL,
  maxValueTokenIndex INTEGER NOT NULL, minValue REAL NOT NULL, "values" TEXT,
  creatorId TEXT NOT NULL REFERENCES User,
  FOREIGN KEY (modelId, layer, "index") REFERENCES Neuron) STRICT;
CREATE TABLE Explanation (id TEXT NOT NULL PRIMARY KEY, modelId TEXT NOT NULL REFERENCES Model,
  layer TEXT NOT NULL, "index" TEXT NOT NULL, description TEXT NOT NULL, notes TEXT,
  authorId TEXT NOT NULL REFERENCES User,
  explanationModelName TEXT REFERENCES ExplanationModelType,
  FOREIGN KEY (modelId, layer, "index") REFERENCES Neuron) STRICT;
"""
# In the order of its import.
TABLES = {
    "model.jsonl": "Model",
    "sourceset.jsonl": "SourceSet",
    "source.jsonl": "Source",
    "features": "Neuron",
    "activations": "Activation",
    "explanations": "Explanation",
}


def write(folder: Path, model: str) -> Path:
    """Two units with two excerpts of either sort; one of two explainers has explained them."""
    one = ActivationRecord(tokens=["a", "\n", "b"], activations=[0, -1.5, 2])
    records = [
        NeuronRecord(
            neuron_id=NeuronId(layer_index=0, neuron_index=unit),
            most_positive_activation_records=[one, one],
            random_sample=[one, one],
        )
        for unit in (3, 12)
    ]
    known = {"score": 0.5, "n_tokens": 6, "explanation": "letters"} | dict.fromkeys(SCORES, 0.75)
    unknown = known | dict.fromkeys(("score", "explanation", *SCORES), None)
    explained = [known | {"explainer": "lookup"}, unknown | {"explainer": "openai a / b"}]
    rows = [dict.fromkeys(KEYS) | {"unit": unit, "explanations": explained} for unit in (3, 12)]
    source = folder / model / "neuronpedia/0-mlp-neuron"
    source.mkdir(parents=True)
    write_neuronpedia(source, model, 4, rows, records)
    return source


def lines_of(path: Path) -> list[dict[str, Any]]:
    if path.is_dir():
        text = b"".join(gzip.decompress(one.read_bytes()) for one in sorted(path.glob("*.gz")))
    else:
        text = path.read_bytes()
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def database():
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(f"PRAGMA foreign_keys = ON; {SCHEMA}")
        connection.execute("INSERT INTO User VALUES (?)", [CREATOR])
        yield connection


def load(database: sqlite3.Connection, source: Path) -> None:
    """As Neuronpedia does: the columns are those of a file's first line."""
    for name, table in TABLES.items():
        lines = lines_of(source / name)
        columns = list(lines[0])
        assert all(list(line) == columns for line in lines)
        names = ", ".join(f'"{column}"' for column in columns)
        marks = ", ".join("?" * len(columns))
        database.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            [
                [json.dumps(value) if isinstance(value, list) else value for value in line.values()]
                for line in lines
            ],
        )


def test_units_of_two_models_go_into_one_database(database, tmp_path):
    for model in ("gpt", "gpt_untrained"):
        load(database, write(tmp_path, model))
    counts = {
        table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in TABLES.values()
    }
    assert counts == {
        **dict.fromkeys(("Model", "SourceSet", "Source"), 2),
        **{"Neuron": 2 * 2, "Activation": 2 * 2 * 4, "Explanation": 2 * 2},
    }
    notes = database.execute("SELECT description, notes FROM Explanation").fetchall()
    assert set(notes) == {("letters", "lookup, score 0.5, detection 0.75, fuzzing 0.75")}
    (where,) = set(
        database.execute("SELECT maxValue, maxValueTokenIndex, minValue FROM Activation")
    )
    assert where == (2, 2, -1.5)


@pytest.mark.parametrize("name", ["creatorId", "id", "minValue"])
def test_what_the_schema_demands_is_needed(database, tmp_path, name):
    """The database refuses what lacks it, so that the test above says something."""
    source = write(tmp_path, "gpt")
    file = source / "activations/batch-0.jsonl.gz"
    lines = [{key: line[key] for key in line if key != name} for line in lines_of(file.parent)]
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
        load(database, source)
