"""The walls of the house as tables: who may import whom, and which library belongs to whom."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "weightrepl"
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

# Room -> the rooms that it may import. A room is a folder or a single file directly below the package; "" is the
# package's own __init__, which hands out the public names.
ROOMS = {
    "values": set(),
    "quantities": set(),
    "spans": {"values"},
    "errors": {"spans", "values"},
    "query": {"spans", "errors", "values"},
    "model": {"errors", "values"},
    "readers": {"model", "errors", "values"},
    "engine": {"query", "model", "errors", "spans", "values"},
    "service": {"query", "model", "engine", "errors", "spans", "values", "quantities"},
    "writers": {"engine", "model", "errors", "values"},
    "render": {"engine", "model", "errors", "spans", "service", "values", "quantities"},
}
ROOMS |= {"api": {"readers", "engine", "model", "errors"}, "plugin": {"readers", "model", "errors"}}
EVERYTHING = {*ROOMS, "frontends", ""}
ROOMS |= {"frontends": EVERYTHING, "__main__": {"frontends"}, "": {*EVERYTHING, "__main__"}}

# Module -> rooms that it may import within a function: a result shows itself and saves itself.
DOORS = {
    "engine.selection": {"render", "writers"},
    "engine.table": {"render"},
    "model.tree": {"api", "render"},
    "engine.pictures": {"render", "writers"},
}

# Module -> modules that know it, and that it may import within a function: a line may be a command, and %help lists
# them all; what was selected selects further, and assigns; a `$name` among selectors is a query of its own.
BACK_DOORS = {
    "frontends.shell": {"frontends.commands"},
    "frontends.commands_telling": {"frontends.commands"},
    "engine.selected": {"engine.selection"},
    "engine.selection": {"engine.assignment"},
    "engine.selectors": {"engine.evaluate"},
}

# Of the REPL, what draws and edits: the rest is there before the library is loaded.
PROMPT = tuple(
    f"frontends.repl_{name}" for name in ("terminal", "menu", "keys", "style", "history", "toolbar")
)

# What joins IPython, and is loaded only by it.
MAGICS = ("frontends.magics", *(f"frontends.magics_{name}" for name in ("input", "completion")))

# Of the language server, what speaks the protocol or asks what does: the rest is there before the library is loaded.
LANGUAGE_SERVER = tuple(
    f"frontends.language_server_{name}"
    for name in (
        *("answers", "client", "documents", "features", "files", "names", "outline", "paths"),
        *("places", "problems", "running", "server", "settings", "texts", "wire"),
    )
)

# Third-party library -> the rooms or modules that may import it, in a function or (where AT_MODULE_LEVEL says so) on
# top. A library that is not here may be imported nowhere: tensorflow and keras above all, which only users import.
OWNERS = {
    "numpy": {
        "model",
        "readers",
        "engine.statistics",
        "engine.comparison",
        "engine.reductions",
        "engine.quantization",
        "engine.pictures",
        "engine.assignment",
        "engine.selection",
        "writers",
    },
    "ml_dtypes": {
        "model",
        "readers",
        "engine.statistics",
        "engine.comparison",
        "engine.selection",
        "writers",
    },
    "h5py": {"readers", "writers"},
    "safetensors": {"readers", "writers"},
    "pandas": {"engine.table"},
    "prompt_toolkit": {*PROMPT},
    "platformdirs": {"frontends.settings"},
    "tomlkit": {"frontends.settings"},
    "pygments": {"frontends.lexer"},
    "IPython": {*MAGICS},
    "pygls": {*LANGUAGE_SERVER},
    "lsprotocol": {*LANGUAGE_SERVER},
}
AT_MODULE_LEVEL = {
    "engine.statistics": {"numpy", "ml_dtypes"},
    "engine.comparison": {"numpy", "ml_dtypes"},
    **{module: {"prompt_toolkit"} for module in PROMPT},
    "frontends.lexer": {"pygments"},
    **{module: {"IPython"} for module in MAGICS},
    **{module: {"pygls", "lsprotocol"} for module in LANGUAGE_SERVER},
}

# Modules of a room whose names begin alike are one.
FAMILIES = (
    *("legacy_", "keras_object", "tf_objects", "live_", "tensor_", "graph_", "checkpoint", "saved_model"),
    *("complete", "file_", "repl", "commands", "lines", "magics", "language_server"),
)

# Within these rooms modules do not import each other, except what is listed: module -> modules of the same room that
# it may import; "*" is every module of the room. What is shared by all is listed under "*".
SEPARATE = {
    "readers": {
        "*": {
            "registry",
            "guards",
            "hdf5",
            "sources",
            "keras_roles",
            "keras_quantization",
            "live_tree",
            "mirrors",
        },
        "sources": {"gathering"},
        "hdf5": {"hdf5_file", "hdf5_objects", "hdf5_types", "hdf5_library"},
        "hdf5_file": {"hdf5_types"},
        "hdf5_objects": {"hdf5_file", "hdf5_types"},
        "hdf5_h5py": {"hdf5_objects"},
        "hdf5_library": {"hdf5_objects"},
        "keras_layers": {"config", "keras_groups"},
        "keras_optimizer": {"keras_groups", "keras_layers"},
        "keras_store": {"config", "keras_groups", "keras_layers", "keras_optimizer", "shards"},
        "keras_archive": {"keras_groups", "keras_store", "zip_members"},
        "arrays": {"flat_keys", "zip_members"},
        "legacy_h5": {"flat_keys"},
        "safetensors": {"flat_keys", "shards"},
        "registry": {"folders", "other_formats"},
        "other_formats": {"folders", "zip_members"},
        **{
            f"tensor_{name}": {"protobuf"}
            for name in ("crc", "entries", "proto", "snappy", "strings", "table")
        },
        "tensor_bundle": {"flat_keys", "protobuf"},
        "tensor_v1": {"flat_keys", "protobuf"},
        "graph_nodes": {"flat_keys"},
        "graph_tree": {"flat_keys"},
        "graph_objects": {"flat_keys", "protobuf"},
        "checkpoint": {"graph_objects", "graph_tree", "tensor_bundle", "tensor_v1"},
        "checkpoint_files": {"tensor_table"},
        "checkpoint_names": {"flat_keys"},
        "saved_model": {"checkpoint_names", "graph_tree", "tensor_bundle"},
        "saved_model_export": {"flat_keys"},
        "saved_model_graph": {"protobuf", "tensor_entries"},
        "saved_model_keras": {"protobuf"},
        "saved_model_stored": {"flat_keys", "graph_objects", "tensor_bundle"},
    },
    "service": {
        "*": {"answers", "pages"},
        "file_queries": {"complete", "diagnose", "hover", "matched", "signature"},
        "file_names": {"hover"},
    },
    "frontends": {
        "*": {"session", "shell", "commands", "lines", "settings", "demo", "model_files", "progress"},
        "cli": {"completion_scripts", "repl", "streams"},
        "repl": {"streams"},
        "lines": {"commands_words"},
        "lines_arguments": {"commands_words", "commands_telling"},
        "magics_options": {"commands_words"},
        "language_server_python": {"magics_options"},
        "magics_completion": {"lines_arguments"},
        "magics_namespace": {"commands_words"},
    },
}

# What a fresh interpreter must not have loaded for the sake of a light import.
HEAVY = (
    *("tensorflow", "keras", "tf_keras", "h5py", "numpy", "ml_dtypes", "safetensors", "pandas"),
    *("IPython", "prompt_toolkit", "pygments", "pygls", "lsprotocol"),
)

RUNS_CODE = {"eval", "exec", "compile", "__import__"}
UNPICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
