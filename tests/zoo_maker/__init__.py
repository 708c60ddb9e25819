"""Makes the zoo: small models of odd structure in every format on disk, each with an oracle of what is in its files.

    python -m tests.zoo_maker OUTDIR [--part PART] [--only NAME ...]
    python -m tests.zoo_maker --list

A part is made of Keras 3 (`keras3`), of tf_keras (`tf_keras`) or of plain TensorFlow (`tf`). Without `--part`, each
is made in a process of its own: Keras 3 and tf_keras must not share one. In OUTDIR there are then

    MANIFEST.json                  {"cases": [{"part", "name", "dir", "n_weights", "files"}, ...]}
    PART/NAME/oracle.json          as `oracle.py` tells it
    PART/NAME/model.keras, ...     the files of the formats that `cases.py` has for the case

Every variable has values of its own, which `PART/NAME/n` decides over for the nth, so a digest tells which it is.
Where it does not, the oracle says so. What lies in `tests/zoo` was made once, and is kept as it was made.
"""
