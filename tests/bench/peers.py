"""What is run as fresh processes: the scripts of weightrepl and of its peers, which do the same work.

Each script gets a file and a name as its arguments. To read one weight is to have its values in memory, as `values`;
to list is to print a line for each weight.
"""

from __future__ import annotations

ONE_OURS = """
import sys
import weightrepl

with weightrepl.open(sys.argv[1]) as model:
    values = weightrepl.select(model, sys.argv[2]).one().numpy()
"""

ONE_H5PY = """
import sys
import numpy as np
import h5py

with h5py.File(sys.argv[1], "r") as file:
    values = file[sys.argv[2]][()]
"""

ONE_ZIPFILE = """
import sys
import zipfile
import h5py

with zipfile.ZipFile(sys.argv[1]) as archive, archive.open("model.weights.h5") as member:
    with h5py.File(member, "r") as file:
        values = file[sys.argv[2]][()]
"""

ONE_TENSORFLOW = """
import sys
import tensorflow as tf

layer = tf.keras.models.load_model(sys.argv[1])
for name in sys.argv[2].split("/"):
    layer = layer.get_layer(name)
values = layer.get_weights()[0]
"""

SAVE_VALUES = """
np.save(sys.argv[3], values)
"""

LOAD_VALUES = """
import sys
import numpy as np

values = np.load(sys.argv[1])
"""

PRINT_DIGEST = """
from hashlib import sha256
print(values.shape, values.dtype.str, sha256(values.tobytes()).hexdigest())
"""

PRINT_PEAK = """
with open("/proc/self/status") as status:
    print(next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")))
"""

IMPORTS_ONLY = """
import numpy as np
import h5py
"""

STATS_OURS = """
import sys
import weightrepl

with weightrepl.open(sys.argv[1]) as model:
    figures = weightrepl.select(model, sys.argv[2]).table()
"""

STATS_IMPORTS = """
import ml_dtypes
import numpy as np
import weightrepl
"""

LIST_OURS = """
import sys
import weightrepl

with weightrepl.open(sys.argv[1]) as model:
    print("\\n".join(weightrepl.select(model, "**:*").addresses))
"""

LIST_OUR_KEYS = """
import sys
import weightrepl

with weightrepl.open(sys.argv[1]) as model:
    print("\\n".join(weight.key for weight in weightrepl.select(model, "**:*")))
"""

LIST_H5PY = """
import sys
import h5py

names = []

def see(name, item):
    if isinstance(item, h5py.Dataset):
        names.append(name)

with h5py.File(sys.argv[1], "r") as file:
    file.visititems(see)
print("\\n".join(names))
"""

LIST_ZIPFILE = """
import sys
import zipfile
import h5py

names = []

def see(name, item):
    if isinstance(item, h5py.Dataset):
        names.append(name)

with zipfile.ZipFile(sys.argv[1]) as archive, archive.open("model.weights.h5") as member:
    with h5py.File(member, "r") as file:
        file.visititems(see)
print("\\n".join(names))
"""

LIST_KERAS = """
import sys
import keras

names = []

def see(content, path):
    for name, item in content.items():
        if isinstance(item, dict):
            see(item, path + name + "/")
        else:
            names.append(path + name)

see(keras.saving.KerasFileEditor(sys.argv[1]).weights_dict, "")
print("weights:", *names, sep="\\n")
"""

LIST_OUR_SHAPES = """
import sys
import weightrepl

with weightrepl.open(sys.argv[1]) as model:
    for weight in weightrepl.select(model, "**:*"):
        print(weight.key, weight.shape)
"""

LIST_CHECKPOINT = """
import sys
import tensorflow as tf

for name, shape in tf.train.list_variables(sys.argv[1]):
    print(name, tuple(shape))
"""

LIST_SAFETENSORS = """
import sys
from safetensors import safe_open

with safe_open(sys.argv[1], "numpy") as file:
    for key in file.keys():
        print(key, tuple(file.get_slice(key).get_shape()))
"""

LIST_OUR_NAMES = """
import sys
import weightrepl

with weightrepl.open(sys.argv[1]) as model:
    for address in weightrepl.select(model, "**:*").addresses:
        print(address)
"""

LOAD_SAVED_MODEL = """
import sys
import tensorflow as tf

tf.saved_model.load(sys.argv[1])
"""

ONE_SAFETENSORS = """
import sys
from safetensors import safe_open

with safe_open(sys.argv[1], "numpy") as file:
    values = file.get_tensor(sys.argv[2])
"""

ONE_CHECKPOINT = """
import sys
import tensorflow as tf

values = tf.train.load_checkpoint(sys.argv[1]).get_tensor(sys.argv[2])
"""

NUMPY_ONLY = """
import numpy as np
"""
