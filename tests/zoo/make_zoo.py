#!/usr/bin/env python3
# A generator of test data, kept as it made the files beside it.
# ruff: noqa
# fmt: off
"""Build a zoo of small, structurally nasty models in every on-disk format, with an oracle.

    python make_zoo.py OUTDIR [--part keras3|tf_keras|tf] [--only NAME ...] [--list]

Without --part, runs each part in its own process (Keras 3 and tf_keras must not share one).
Layout of OUTDIR:

    MANIFEST.json                      {"cases": [{"part","name","dir","n_weights","files"}...]}
    <part>/<name>/oracle.json
    <part>/<name>/model.keras, model.weights.h5, model.h5, sharded/, export/, saved_model/,
                  ckpt/, model.npz, model.safetensors ... (those that apply)

oracle.json (schema 1)
    root_name     name of the root object (first element of every layer_path)
    built         False: the model has no (or not all) weights yet
    layers        every node of the live tree, preorder:
                  {"path": [names from the root], "class", "attr_path": [attribute steps], "built"}
    weights       one row per ADDRESS (a shared variable has several rows, same var_id):
                  {"layer_path", "name", "index", "owner_class", "attr_path", "var_id",
                   "kind": weight|seed|metric|optimizer, "keras_path", "shape", "dtype",
                   "trainable", "sha256"}        sha256 = of the C-order little-endian bytes
                  "ordinal" is set (0,1,..) when (layer_path, name) alone is not unique.
    files         per format: {"path", "keys": {storage key: var_id or null},
                   "missing": [var_id not in that file], "note"}
                  null marks a stored tensor equal to no live variable (LoRA merge, step counter...)

Every variable gets distinct pseudo-random values derived from crc32(part/name/ordinal), so a
sha256 identifies one variable (except where an entry of "notes" says otherwise).
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import traceback
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

PARTS = ("keras3", "tf_keras", "tf")
CASES = {p: [] for p in PARTS}


def case(part, formats, notes="", expect_fail=()):
    """Register a builder. formats: space-separated subset of the writers of that part."""

    def deco(fn):
        CASES[part].append(
            dict(name=fn.__name__.split("__", 1)[1], fn=fn, formats=formats.split(),
                 notes=notes or (fn.__doc__ or "").strip(), expect_fail=set(expect_fail))
        )
        return fn

    return deco


# --------------------------------------------------------------------------- shared helpers
def np_bytes(a):
    import numpy as np

    a = np.asarray(a)
    shape = a.shape
    a = np.ascontiguousarray(a).reshape(shape)
    if a.dtype.byteorder == ">":
        a = a.astype(a.dtype.newbyteorder("<"))
    return a.tobytes()


def sha(a):
    return hashlib.sha256(np_bytes(a)).hexdigest()


def fake_values(key, shape, dtype):
    """Deterministic values for a variable; dtype is a string such as 'bfloat16'."""
    import ml_dtypes
    import numpy as np

    rng = np.random.default_rng(zlib.crc32(key.encode()))
    dtype = str(dtype)
    if dtype == "bool":
        return rng.integers(0, 2, size=shape).astype(bool)
    if dtype.startswith("complex"):
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    if dtype.startswith("bfloat") or dtype.startswith("float8"):
        return rng.standard_normal(shape).astype("float32").astype(getattr(ml_dtypes, dtype))
    if dtype.startswith("float"):
        return rng.standard_normal(shape).astype(dtype)
    info = np.iinfo(dtype)
    lo, hi = max(info.min, -(2**31)), min(info.max, 2**31 - 1)
    return rng.integers(lo, hi, size=shape, endpoint=True).astype(dtype)


def fill(part, name, variables):
    """Assign distinct values to variables (list of (key_suffix, var))."""
    for i, v in enumerate(variables):
        shape = tuple(int(s) for s in v.shape)
        dt = v.dtype if isinstance(v.dtype, str) else v.dtype.name
        v.assign(fake_values(f"{part}/{name}/{i}", shape, dt))


def bf16_fix(ds):
    """h5py dataset -> numpy array (Keras writes bfloat16 as opaque V2 + attrs['dtype'])."""
    import ml_dtypes
    import numpy as np

    a = ds[()]
    t = ds.attrs.get("dtype")
    if isinstance(t, bytes):
        t = t.decode()
    if t == "bfloat16":
        a = np.asarray(a).view(ml_dtypes.bfloat16)
    return np.asarray(a)


def h5_keys(fobj):
    import h5py

    out = {}

    def visit(n, o):
        if isinstance(o, h5py.Dataset):
            out[n] = sha(bf16_fix(o))

    with h5py.File(fobj, "r") as f:
        f.visititems(visit)
    return out


def ckpt_keys(prefix):
    import tensorflow as tf

    r = tf.train.load_checkpoint(prefix)
    out = {}
    for k, dt in r.get_variable_to_dtype_map().items():
        try:
            t = r.get_tensor(k)
        except tf.errors.UnimplementedError:  # V1 file with a partitioned variable
            t = tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=[k], shape_and_slices=[""], dtypes=[dt])[0].numpy()
        out[k] = sha(t) if getattr(t, "dtype", None) is not None and t.dtype != object else "str"
    return out


def npz_keys(path):
    import numpy as np

    with np.load(path) as z:
        return {k: sha(z[k]) for k in z.files}


def st_keys(path):
    from safetensors import safe_open

    out = {}
    with open(path, "rb") as f:  # hash raw bytes: safetensors' numpy API has no bfloat16
        n = int.from_bytes(f.read(8), "little")
        hdr = json.loads(f.read(n))
        for k, v in hdr.items():
            if k == "__metadata__":
                continue
            f.seek(8 + n + v["data_offsets"][0])
            out[k] = hashlib.sha256(f.read(v["data_offsets"][1] - v["data_offsets"][0])).hexdigest()
    with safe_open(path, framework="numpy") as s:  # the reference reader accepts the file
        assert set(s.keys()) == set(out)
    return out


def save_safetensors(arrays, path, metadata=None):
    """arrays: {name: ndarray} -> safetensors file (own writer: also does bfloat16/float8)."""
    import numpy as np

    names = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16",
             "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8",
             "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL",
             "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"}
    hdr, off, blobs = {}, 0, []
    if metadata:
        hdr["__metadata__"] = metadata
    for k, a in arrays.items():
        b = np_bytes(a)
        hdr[k] = {"dtype": names[np.asarray(a).dtype.name], "shape": list(np.shape(a)),
                  "data_offsets": [off, off + len(b)]}
        off += len(b)
        blobs.append(b)
    h = json.dumps(hdr, separators=(",", ":")).encode()
    h += b" " * (-len(h) % 8)
    with open(path, "wb") as f:
        f.write(len(h).to_bytes(8, "little") + h)
        for b in blobs:
            f.write(b)


def write_oracle(outdir, orc):
    seen = {}
    for w in orc["weights"]:
        seen.setdefault((tuple(w["layer_path"]), w["name"]), []).append(w)
    for rows in seen.values():
        if len(rows) > 1:
            for i, w in enumerate(rows):
                w["ordinal"] = i
    by_sha = {}
    for w in orc["weights"]:
        by_sha.setdefault(w["sha256"], set()).add(w["var_id"])
    dup = sorted(v for s in by_sha.values() if len(s) > 1 for v in s)
    if dup:
        orc["sha_collisions"] = dup
    var_ids = {w["var_id"] for w in orc["weights"]}
    for f in orc["files"].values():
        raw = f.pop("_raw", None)
        if raw is None:
            continue
        keys, present = {}, set()
        for k, s in raw.items():
            ids = sorted(by_sha.get(s, ()))
            keys[k] = ids[0] if len(ids) == 1 else (ids or None)
            present.update(ids)
        f["keys"] = keys
        f["missing"] = sorted(var_ids - present)
    with open(os.path.join(outdir, "oracle.json"), "w") as f:
        json.dump(orc, f, indent=1, ensure_ascii=True)
        f.write("\n")


def run_formats(c, d, writers, orc):
    for fmt in c["formats"]:
        try:
            orc["files"][fmt] = writers[fmt]()
            if fmt in c["expect_fail"]:
                orc["files"][fmt]["note"] = "expected to fail but did not"
        except Exception as e:  # noqa: BLE001 - recorded in the oracle
            orc["files"][fmt] = {"error": f"{type(e).__name__}: {str(e)[:300]}"}
            if fmt not in c["expect_fail"]:
                print(f"  !! {c['name']}/{fmt}: {type(e).__name__}: {str(e)[:200]}", file=sys.stderr)


# =========================================================================== Keras 3
def keras3_walk(root):
    """Reference walk: (layer rows, address rows with the live variable attached)."""
    import keras

    layers, rows, ids, keep = [], [], {}, []

    def attrs_of(layer):
        """id(child layer or variable) -> attribute steps, first in vars() order wins."""
        out = {}

        def rec(v, steps, depth):
            if isinstance(v, (keras.layers.Layer, keras.Variable)):
                out.setdefault(id(v), steps)
            elif depth < 6 and isinstance(v, dict):
                for k, e in v.items():
                    rec(e, steps + [k if isinstance(k, str) else repr(k)], depth + 1)
            elif depth < 6 and isinstance(v, (list, tuple, set)):
                for i, e in enumerate(v):
                    rec(e, steps + [i], depth + 1)

        hidden = {"_layers", "_trainable_variables", "_non_trainable_variables", "_metrics",
                  "_seed_generators", "_tracker", "_functional", "_operations", "_inbound_nodes",
                  "_outbound_nodes", "_losses", "_self_unconditional_checkpoint_dependencies",
                  "_self_unconditional_dependency_names", "_operations_by_depth", "_nodes",
                  "_nodes_by_depth", "_parent_path", "_tracked"}
        for k, v in vars(layer).items():
            if k not in hidden:
                rec(v, [k], 0)
        return out

    def add(v, layer_path, name, index, cls, attr_path, kind):
        keep.append(v)
        vid = ids.setdefault(id(v), len(ids))
        rows.append(dict(layer_path=layer_path, name=name, index=index, owner_class=cls,
                         attr_path=attr_path, var_id=vid, kind=kind, keras_path=v.path, _var=v))

    def rec(layer, path, attr_path, stack):
        layers.append(dict(path=path, attr_path=attr_path, built=bool(layer.built),
                           **{"class": type(layer).__name__}))
        attrs = attrs_of(layer)
        own, seen = [], set()
        for v in list(layer._trainable_variables) + list(layer._non_trainable_variables):
            if id(v) not in seen:
                seen.add(id(v))
                own.append(v)
        for i, v in enumerate(own):
            add(v, path, v.name, i, type(layer).__name__, attr_path + attrs.get(id(v), [f"?{i}"]), "weight")
        for i, sg in enumerate(layer._seed_generators):
            add(sg.state, path, sg.state.name, i, "SeedGenerator", attr_path + ["_seed_generators", i], "seed")
        for m in layer._metrics:
            if type(m).__name__ == "CompileMetrics":
                continue
            for i, v in enumerate(m.variables):
                add(v, path + [m.name], v.name, i, type(m).__name__, attr_path + ["_metrics", m.name, i], "metric")
        for i, child in enumerate(layer._layers):
            if id(child) in stack:
                continue
            rec(child, path + [child.name], attr_path + attrs.get(id(child), ["_layers", i]), stack | {id(child)})

    rec(root, [root.name], [], {id(root)})
    opt = getattr(root, "optimizer", None)
    if opt is not None:
        for i, v in enumerate(opt.variables):
            add(v, [root.name, "optimizer"], v.name, i, type(opt).__name__, ["optimizer", i], "optimizer")
    return layers, rows


def part_keras3(outdir, only):
    import keras
    import numpy as np
    import tensorflow as tf

    assert keras.__version__.startswith("3."), keras.__version__
    for c in CASES["keras3"]:
        if only and c["name"] not in only:
            continue
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        d = os.path.join(outdir, "keras3", c["name"])
        shutil.rmtree(d, ignore_errors=True)
        os.makedirs(d)
        model = c["fn"]()
        post = None
        if isinstance(model, tuple):
            model, post = model
        _, rows = keras3_walk(model)
        uniq, seen = [], set()
        for r in rows:
            if r["var_id"] not in seen:
                seen.add(r["var_id"])
                uniq.append(r["_var"])
        fill("keras3", c["name"], uniq)
        if post:
            post(model)  # e.g. renames made after the variables exist
        layers, rows = keras3_walk(model)
        weights = []
        for r in rows:
            v = r.pop("_var")
            a = np.asarray(keras.ops.convert_to_numpy(v))
            weights.append(dict(r, shape=list(a.shape), dtype=keras.backend.standardize_dtype(v.dtype),
                                trainable=bool(v.trainable), sha256=sha(a)))
        orc = dict(schema=1, part="keras3", name=c["name"], notes=c["notes"],
                   versions=dict(keras=keras.__version__, tensorflow=tf.__version__, numpy=np.__version__),
                   root_name=model.name, root_class=type(model).__name__, built=bool(model.built),
                   layers=layers, weights=weights, files={})
        p = lambda *a: os.path.join(d, *a)  # noqa: E731

        def w_keras():
            import io
            import zipfile
            model.save(p("model.keras"))
            with zipfile.ZipFile(p("model.keras")) as z:
                return {"path": "model.keras", "_raw": h5_keys(io.BytesIO(z.read("model.weights.h5")))}

        def w_dir():
            model.save(p("unzipped"), zipped=False)
            return {"path": "unzipped", "_raw": h5_keys(p("unzipped", "model.weights.h5"))}

        def w_weights():
            model.save_weights(p("model.weights.h5"))
            return {"path": "model.weights.h5", "_raw": h5_keys(p("model.weights.h5"))}

        def w_sharded():
            os.makedirs(p("sharded"))
            total = sum(int(np.prod(w["shape"])) * 8 for w in weights if w["kind"] == "weight")
            big = max(int(np.prod(w["shape"])) * 8 for w in weights)
            model.save_weights(p("sharded", "model.weights.json"),
                               max_shard_size=max(total / 4, big + 1) / 1024**3)
            raw = {}
            for f in sorted(os.listdir(p("sharded"))):
                if f.endswith(".h5"):
                    raw.update({f + "::" + k: v for k, v in h5_keys(p("sharded", f)).items()})
            return {"path": "sharded/model.weights.json", "_raw": raw}

        def w_h5():
            model.save(p("model.h5"))
            return {"path": "model.h5", "_raw": h5_keys(p("model.h5"))}

        def w_export():
            model.export(p("export"), verbose=False)
            return {"path": "export", "_raw": ckpt_keys(p("export", "variables", "variables"))}

        def w_saved_model():
            tf.saved_model.save(model, p("saved_model"))
            return {"path": "saved_model", "_raw": ckpt_keys(p("saved_model", "variables", "variables"))}

        def w_ckpt():
            prefix = tf.train.Checkpoint(model=model).save(p("ckpt", "ck"))
            return {"path": os.path.relpath(prefix, d), "_raw": ckpt_keys(prefix)}

        def flat():
            out = {}
            for r, w in zip(rows, weights):
                if w["kind"] == "weight":
                    k = "/".join(w["layer_path"] + [w["name"]])
                    while k in out:
                        k += "'"
                    out[k] = np.asarray(keras.ops.convert_to_numpy(live[w["var_id"]]))
            return out

        live = {}
        _, rr = keras3_walk(model)
        for r in rr:
            live.setdefault(r["var_id"], r["_var"])

        def w_npz():
            np.savez(p("model.npz"), **{k: v for k, v in flat().items()})
            return {"path": "model.npz", "_raw": npz_keys(p("model.npz")),
                    "note": "keys are layer_path/name; written by numpy, not by Keras"}

        def w_safetensors():
            save_safetensors(flat(), p("model.safetensors"), {"format": "tf"})
            return {"path": "model.safetensors", "_raw": st_keys(p("model.safetensors"))}

        writers = dict(keras=w_keras, dir=w_dir, weights=w_weights, sharded=w_sharded, h5=w_h5, export=w_export,
                       saved_model=w_saved_model, ckpt=w_ckpt, npz=w_npz, safetensors=w_safetensors)
        run_formats(c, d, writers, orc)
        write_oracle(d, orc)
        print(f"keras3/{c['name']}: {len(weights)} addresses, {len(live)} variables")


def _k3():
    import keras
    import numpy as np
    return keras, keras.layers, np


def _k3_reg(cls):
    import keras
    return keras.saving.register_keras_serializable("zoo")(cls)


ALL3 = "keras weights h5 export saved_model ckpt"


@case("keras3", ALL3 + " npz safetensors sharded dir")
def k3__seq_dense():
    """Sequential with Input; BatchNormalization and a seeded Dropout."""
    K, L, np = _k3()
    return K.Sequential([L.Input((6,)), L.Dense(5, activation="relu", name="dense_layer_1"), L.BatchNormalization(name="bn"),
                         L.Dropout(0.5, seed=3, name="drop"), L.Dense(3, name="dense_layer_2"), L.Dense(2)], name="seq")


@case("keras3", "keras weights h5 export saved_model")
def k3__seq_nested():
    """Sequential in Sequential in Sequential, same names on each level."""
    K, L, np = _k3()
    inner = K.Sequential([L.Input((4,)), L.Dense(4, name="dense"), L.Dense(4, name="dense_1")], name="block")
    mid = K.Sequential([L.Input((4,)), inner, L.Dense(4, name="dense")], name="mid")
    return K.Sequential([L.Input((4,)), mid, L.Dense(2, name="dense")], name="block")


@case("keras3", ALL3)
def k3__func_branches():
    """Functional, two inputs, operators and ops between layers."""
    K, L, np = _k3()
    a, b = K.Input((4,), name="a"), K.Input((3,), name="b")
    x = L.Dense(5, name="left")(a) * 2.0
    y = K.ops.relu(L.Dense(5, name="right", use_bias=False)(b))
    z = L.Concatenate(name="cat")([x, y])
    return K.Model([a, b], [L.Dense(2, name="out1")(z), L.Dense(1, name="out2")(z)], name="branches")


def _k3_sub(name, K, L):
    i = K.Input((4,))
    x = L.Dense(4, name="dense")(i)
    x = L.LayerNormalization(name="norm")(x)
    return K.Model(i, L.Dense(4, name="out")(x), name=name)


@case("keras3", ALL3)
def k3__func_nested_same_names():
    """Two functional submodels with identical inner layer names: variable.path collides."""
    K, L, np = _k3()
    i = K.Input((4,))
    return K.Model(i, _k3_sub("decoder", K, L)(_k3_sub("encoder", K, L)(i)), name="autoencoder")


@case("keras3", "keras weights h5 export saved_model ckpt")
def k3__func_shared_layer():
    """One Dense called twice, one submodel called twice."""
    K, L, np = _k3()
    i = K.Input((4,))
    sh, sub = L.Dense(4, name="shared"), _k3_sub("tower", K, L)
    return K.Model(i, L.Add(name="add")([sub(sh(i)), sub(sh(sh(i)))]), name="siamese")


def _k3_issue_classes():
    K, L, np = _k3()

    @_k3_reg
    class CustomModule(K.Model):
        def __init__(self, units1, units2, **kw):
            super().__init__(**kw)
            self.units1, self.units2 = units1, units2
            self.dense1 = L.Dense(units1, activation="relu", name="inner_dense1")
            self.dense2 = L.Dense(units2, activation="softmax", name="inner_dense2")

        def call(self, x):
            return self.dense2(self.dense1(x))

        def get_config(self):
            return dict(name=self.name, units1=self.units1, units2=self.units2)

    @_k3_reg
    class LargerModel(K.Model):
        def __init__(self, a, b, c, **kw):
            super().__init__(**kw)
            self.cfg = (a, b, c)
            self.module = CustomModule(a, b, name="custom_module")
            self.dense_outer = L.Dense(c, name="outer_dense")

        def call(self, x):
            return self.dense_outer(self.module(x))

        def get_config(self):
            return dict(name=self.name, a=self.cfg[0], b=self.cfg[1], c=self.cfg[2])

    return CustomModule, LargerModel


@case("keras3", ALL3 + " npz safetensors sharded", expect_fail=["h5"])
def k3__subclass_nested():
    """The motivating example: subclassed model in a subclassed model, layer names != attribute names."""
    K, L, np = _k3()
    _, LargerModel = _k3_issue_classes()
    m = LargerModel(12, 8, 4, name="larger_model")
    m(np.zeros((1, 10), "float32"))
    return m


@case("keras3", "keras", notes="never built: no weights; saving warns, file has no variables")
def k3__subclass_unbuilt():
    K, L, np = _k3()
    _, LargerModel = _k3_issue_classes()
    return LargerModel(12, 8, 4, name="larger_model")


@case("keras3", "weights ckpt", notes="partly built: one branch never called", expect_fail=[])
def k3__subclass_half_built():
    K, L, np = _k3()

    class Half(K.Model):
        def __init__(self, **kw):
            super().__init__(**kw)
            self.used = L.Dense(3, name="used")
            self.never = L.Dense(3, name="never_called")

        def call(self, x):
            return self.used(x)

    m = Half(name="half")
    m(np.zeros((1, 4), "float32"))
    return m


@case("keras3", "weights saved_model ckpt npz", expect_fail=["saved_model"], notes="sublayers in list/nested list/tuple/dict/set; 'alias' is the same object as 'zed'")
def k3__subclass_containers():
    K, L, np = _k3()

    class Containers(K.Model):
        def __init__(self, **kw):
            super().__init__(**kw)
            self.zed = L.Dense(3, name="zed")
            self.blocks = [L.Dense(3, name="b0"), [L.Dense(3, name="b1"), L.Dense(3)], (L.Dense(3, name="tup"),)]
            self.heads = {"cls": L.Dense(3, name="cls_head"), "reg": {"deep": L.Dense(3, name="deep_head")}}
            self.bag = {L.Dense(3, name="in_set")}
            self.alias = self.zed

        def call(self, x):
            for l in [self.zed, self.blocks[0], *self.blocks[1], self.blocks[2][0], self.heads["cls"],
                      self.heads["reg"]["deep"], *self.bag]:
                x = l(x)
            return x

    m = Containers(name="containers")
    m(np.zeros((1, 3), "float32"))
    return m


@case("keras3", "weights ckpt saved_model", notes="two sublayers both named 'same' in one parent: legal, address ambiguous")
def k3__dup_names_same_parent():
    K, L, np = _k3()

    class Dup(K.Model):
        def __init__(self, **kw):
            super().__init__(**kw)
            self.first = L.Dense(3, name="same")
            self.second = L.Dense(3, name="same")

        def call(self, x):
            return self.second(self.first(x))

    m = Dup(name="dup")
    m(np.zeros((1, 3), "float32"))
    return m


def _k3_block():
    K, L, np = _k3()

    @_k3_reg
    class Block(L.Layer):
        """Layer with own weights, sublayers, late and early weights and misleading attribute names."""

        def __init__(self, units, **kw):
            super().__init__(**kw)
            self.units = units
            self.early = self.add_weight(shape=(units,), name="gain")
            self.proj = L.Dense(units, name="projection")
            self.subs = [L.Dense(units, name="s0"), L.Dense(units, name="s1")]
            self.bias = L.LayerNormalization(name="ln")  # attribute 'bias' is a layer

        def build(self, s):
            self.kernel = self.add_weight(shape=(s[-1], self.units), name="kernel")
            self.mask = self.add_weight(shape=(self.units,), name="mask", dtype="bool", initializer="ones", trainable=False)
            self.anon = self.add_weight(shape=(self.units, 2))
            self.proj.build(s)
            for l in self.subs:
                l.build((None, self.units))
            self.bias.build((None, self.units))

        def call(self, x):
            x = self.proj(x) * self.early + x @ self.kernel
            for l in self.subs:
                x = l(x)
            return self.bias(x)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return Block


@case("keras3", ALL3)
def k3__custom_layer_in_functional():
    """Custom Layer with sublayers in attributes and a list, plus own weights, inside a Functional."""
    K, L, np = _k3()
    Block = _k3_block()
    i = K.Input((4,))
    return K.Model(i, Block(3, name="block_b")(Block(4, name="block_a")(i)), name="with_blocks")


@case("keras3", ALL3)
def k3__bidirectional():
    """Bidirectional LSTM (names forward_*/backward_*) and an auto-named Bidirectional GRU."""
    K, L, np = _k3()
    i = K.Input((5, 3))
    x = L.Bidirectional(L.LSTM(2, return_sequences=True, name="lstm"), name="bi")(i)
    return K.Model(i, L.Bidirectional(L.GRU(3, reset_after=False))(x), name="birnn")


@case("keras3", ALL3 + " sharded")
def k3__attention():
    """MultiHeadAttention, GroupQueryAttention, Attention with score scale."""
    K, L, np = _k3()
    i = K.Input((5, 8))
    x = L.MultiHeadAttention(2, 3, name="mha")(i, i)
    x = L.GroupQueryAttention(4, 4, 2, name="gqa")(x, x)
    x = L.Attention(use_scale=True, name="att")([x, x])
    x = L.AdditiveAttention(name="add_att")([x, x])
    return K.Model(i, x, name="attn")


@case("keras3", "keras weights h5 ckpt")
def k3__norms():
    """All normalisation layers, with scale/center switched off in turn (data-dependent names)."""
    K, L, np = _k3()
    i = K.Input((4,))
    x = i
    for kw in ({}, {"scale": False}, {"center": False}, {"scale": False, "center": False}):
        tag = "".join(k[0] for k in kw) or "all"
        x = L.BatchNormalization(name=f"bn_{tag}", **kw)(x)
        x = L.LayerNormalization(name=f"ln_{tag}", **kw)(x)
        x = L.GroupNormalization(2, name=f"gn_{tag}", **kw)(x)
    x = L.RMSNormalization(name="rms")(x)
    x = L.SpectralNormalization(L.Dense(4, name="sn_dense"), name="sn")(x)
    x = L.UnitNormalization(name="unit")(x)
    return K.Model(i, x, name="norms")


@case("keras3", ALL3, notes="compiled + trained one step: optimizer slots, metrics in the file")
def k3__trained_optimizer():
    K, L, np = _k3()
    i = K.Input((4,))
    m = K.Model(i, L.Dense(2, name="out")(L.Dense(3, name="hidden")(i)), name="trained")
    m.compile("adam", "mse", metrics=["mae"])
    m.fit(np.zeros((4, 4), "float32"), np.zeros((4, 2), "float32"), verbose=0)
    return m


WEIRD = ["a:b", "with space", "star*name", "br[0]ack", "cur{l}y", "dot.ted", "..", "h#sh", "q?m", "comma,ted", "back\\slash",
         "-dash", "_under", "ünï-çødé", "emoji🙂", "quote\"d", "per%cent", "UPPER", "0digit", "kernel", "vars", "layers", "tail ",
         "$dollar", "a=b", "(par)", "@at", "!bang", "~tilde", "pipe|d", "am&p", "semi;colon", "new\nline", "plus+"]


@case("keras3", "keras weights h5 npz safetensors", notes="every legal oddity in layer names ('/' is refused by Keras 3)")
def k3__weird_names():
    K, L, np = _k3()
    i = x = K.Input((3,))
    for n in WEIRD:
        x = L.Dense(3, name=n, use_bias=len(n) % 2 == 0)(x)
    return K.Model(i, x, name="odd names: *")


@case("keras3", "keras weights", notes="int8-quantised Dense/EinsumDense/Embedding")
def k3__quant_int8():
    K, L, np = _k3()
    i = K.Input((6,), dtype="int32")
    x = L.Embedding(7, 8, name="emb")(i)
    x = L.EinsumDense("abc,cd->abd", output_shape=(None, 8), bias_axes="d", name="eins")(x)
    m = K.Model(i, L.Dense(4, name="head")(L.Dense(8, use_bias=False, name="nobias")(x)), name="quant8")
    m.quantize("int8")
    return m


@case("keras3", "keras weights h5 ckpt", notes="LoRA enabled: .keras/.weights.h5 store kernel + a@b merged, lora_kernel_a/b are dropped")
def k3__lora():
    K, L, np = _k3()
    i = K.Input((6,), dtype="int32")
    x = L.Embedding(7, 4, name="emb")(i)
    m = K.Model(i, L.Dense(4, name="plain")(L.Dense(5, name="tuned")(x)), name="lora")
    m.get_layer("tuned").enable_lora(2)
    m.get_layer("emb").enable_lora(2)
    return m


LONG = "x" * 480


@case("keras3", "weights h5", notes="135 layers with 490-character names on two levels: layer_names and weight_names exceed 64 KB and are chunked (layer_names0, layer_names1..)")
def k3__many_long_names():
    K, L, np = _k3()
    i = x = K.Input((2,))
    x = K.Sequential([L.Input((2,))] + [L.PReLU(name=f"inner_{k:03d}_{LONG}") for k in range(135)], name="inner")(x)
    for k in range(135):
        x = L.PReLU(name=f"layer_{k:03d}_{LONG}")(x)
    return K.Model(i, x, name="many")


@case("keras3", "keras", notes="Lambda layer: config.json holds marshalled bytecode; must never be executed by a reader")
def k3__lambda_unsafe():
    K, L, np = _k3()
    i = K.Input((4,))
    return K.Model(i, L.Dense(2, name="after")(L.Lambda(lambda t: t * 2, output_shape=(4,), name="lam")(i)), name="lam_model")


# =========================================================================== tf_keras (Keras 2)
def tfk_walk(root):
    import tensorflow as tf
    import tf_keras as K

    layers, rows, ids, keep = [], [], {}, []

    def attrs_of(layer):
        out = {}

        def rec(v, steps, depth):
            if isinstance(v, (K.layers.Layer, tf.Variable)):
                out.setdefault(id(v), steps)
            elif depth < 6 and isinstance(v, dict):
                for k, e in v.items():
                    rec(e, steps + [str(k)], depth + 1)
            elif depth < 6 and isinstance(v, (list, tuple)):
                for i, e in enumerate(v):
                    rec(e, steps + [i], depth + 1)

        for k, v in vars(layer).items():
            if k.startswith("_self_") or k in ("_trainable_weights", "_non_trainable_weights", "_metrics", "_obj_reference_counts_dict",
                                               "_inbound_nodes_value", "_outbound_nodes_value", "_nodes_by_depth", "_layer_call_argspecs"):
                continue
            rec(v, [k], 0)
        return out

    def short(v):
        return v.name.split(":")[0].split("/")[-1]

    def add(v, layer_path, index, cls, attr_path, kind):
        keep.append(v)
        vid = ids.setdefault(id(v), len(ids))
        rows.append(dict(layer_path=layer_path, name=short(v), index=index, owner_class=cls, attr_path=attr_path,
                         var_id=vid, kind=kind, keras_path=v.name, _var=v))

    def rec(layer, path, attr_path, stack):
        layers.append(dict(path=path, attr_path=attr_path, built=bool(layer.built), **{"class": type(layer).__name__}))
        attrs = attrs_of(layer)
        own = list(getattr(layer, "_trainable_weights", [])) + list(getattr(layer, "_non_trainable_weights", []))
        for i, v in enumerate(own):
            add(v, path, i, type(layer).__name__, attr_path + attrs.get(id(v), [f"?{i}"]), "weight")
        for i, child in enumerate(layer._flatten_layers(recursive=False, include_self=False)):
            if id(child) not in stack:
                rec(child, path + [child.name], attr_path + attrs.get(id(child), ["_layers", i]), stack | {id(child)})

    rec(root, [root.name], [], {id(root)})
    opt = getattr(root, "optimizer", None)
    if opt is not None:
        vs = opt.variables() if callable(opt.variables) else opt.variables
        for i, v in enumerate(vs):
            add(v, [root.name, "optimizer"], i, type(opt).__name__, ["optimizer", i], "optimizer")
    return layers, rows


def part_tf_keras(outdir, only):
    import numpy as np
    import tensorflow as tf
    import tf_keras as K

    for c in CASES["tf_keras"]:
        if only and c["name"] not in only:
            continue
        K.backend.clear_session()
        K.utils.set_random_seed(7)
        d = os.path.join(outdir, "tf_keras", c["name"])
        shutil.rmtree(d, ignore_errors=True)
        os.makedirs(d)
        model = c["fn"]()
        _, rows = tfk_walk(model)
        live = {}
        for r in rows:
            live.setdefault(r["var_id"], r["_var"])
        fill("tf_keras", c["name"], list(live.values()))
        layers, rows = tfk_walk(model)
        weights = []
        for r in rows:
            v = r.pop("_var")
            a = v.numpy()
            weights.append(dict(r, shape=list(a.shape), dtype=v.dtype.name, trainable=bool(v.trainable), sha256=sha(a)))
        orc = dict(schema=1, part="tf_keras", name=c["name"], notes=c["notes"],
                   versions=dict(tf_keras=K.__version__, tensorflow=tf.__version__, numpy=np.__version__),
                   root_name=model.name, root_class=type(model).__name__, built=bool(model.built),
                   layers=layers, weights=weights, files={})
        p = lambda *a: os.path.join(d, *a)  # noqa: E731

        def w_keras():
            import io
            import zipfile
            model.save(p("model.keras"), save_format="keras")
            with zipfile.ZipFile(p("model.keras")) as z:
                return {"path": "model.keras", "_raw": h5_keys(io.BytesIO(z.read("model.weights.h5")))}

        def w_h5():
            model.save(p("model.h5"), save_format="h5")
            return {"path": "model.h5", "_raw": h5_keys(p("model.h5"))}

        def w_weights_h5():
            model.save_weights(p("legacy_weights.h5"), save_format="h5")
            return {"path": "legacy_weights.h5", "_raw": h5_keys(p("legacy_weights.h5"))}

        def w_weights():
            model.save_weights(p("model.weights.h5"))
            return {"path": "model.weights.h5", "_raw": h5_keys(p("model.weights.h5"))}

        def w_weights_tf():
            model.save_weights(p("weights_tf", "w"), save_format="tf")
            return {"path": "weights_tf/w", "_raw": ckpt_keys(p("weights_tf", "w"))}

        def w_saved_model():
            model.save(p("saved_model"), save_format="tf", save_traces=c["name"] not in ("rnns", "attention_norms"))
            return {"path": "saved_model", "_raw": ckpt_keys(p("saved_model", "variables", "variables"))}

        def w_export():
            model.export(p("export"))
            return {"path": "export", "_raw": ckpt_keys(p("export", "variables", "variables"))}

        def w_ckpt():
            prefix = tf.train.Checkpoint(model=model).save(p("ckpt", "ck"))
            return {"path": os.path.relpath(prefix, d), "_raw": ckpt_keys(prefix)}

        writers = dict(keras=w_keras, h5=w_h5, weights=w_weights, weights_h5=w_weights_h5, weights_tf=w_weights_tf,
                       saved_model=w_saved_model, export=w_export, ckpt=w_ckpt)
        run_formats(c, d, writers, orc)
        write_oracle(d, orc)
        print(f"tf_keras/{c['name']}: {len(weights)} addresses, {len(live)} variables")


def _k2():
    import numpy as np
    import tf_keras as K
    return K, K.layers, np


ALL2 = "keras h5 weights weights_h5 weights_tf saved_model ckpt"


@case("tf_keras", ALL2 + " export")
def k2__seq_dense():
    K, L, np = _k2()
    return K.Sequential([L.Input((6,)), L.Dense(5, activation="relu", name="dense_layer_1"), L.BatchNormalization(name="bn"),
                         L.Dropout(0.5), L.Dense(3, name="dense_layer_2")], name="seq")


def _k2_sub(name, K, L):
    i = K.Input((4,))
    x = L.Dense(4, name="dense")(i)
    return K.Model(i, L.BatchNormalization(name="bn")(x), name=name)


@case("tf_keras", "weights weights_h5 weights_tf saved_model ckpt h5 keras", expect_fail=["h5"])
def k2__subclass_nested():
    K, L, np = _k2()

    @K.saving.register_keras_serializable("zoo")
    class CustomModule(K.Model):
        def __init__(self, u1, u2, **kw):
            super().__init__(**kw)
            self.u = (u1, u2)
            self.dense1 = L.Dense(u1, name="inner_dense1")
            self.dense2 = L.Dense(u2, name="inner_dense2")

        def call(self, x):
            return self.dense2(self.dense1(x))

        def get_config(self):
            return {"u1": self.u[0], "u2": self.u[1]}

    @K.saving.register_keras_serializable("zoo")
    class LargerModel(K.Model):
        def __init__(self, **kw):
            super().__init__(**kw)
            self.module = CustomModule(12, 8, name="custom_module")
            self.dense_outer = L.Dense(4, name="outer_dense")
            self.many = [L.Dense(4, name="in_list"), L.LayerNormalization(name="ln")]
            self.d = {"a": L.Dense(4, name="in_dict")}

        def call(self, x):
            x = self.dense_outer(self.module(x))
            for l in self.many:
                x = l(x)
            return self.d["a"](x)

        def get_config(self):
            return {}

    m = LargerModel(name="larger_model")
    m(np.zeros((1, 10), "float32"))
    return m


@case("tf_keras", ALL2)
def k2__rnns():
    K, L, np = _k2()
    i = K.Input((5, 3))
    x = L.Bidirectional(L.LSTM(2, return_sequences=True, name="lstm"), name="bi")(i)
    x = L.RNN([L.LSTMCell(3, name="c1"), L.GRUCell(2)], return_sequences=True, name="stack")(x)
    x = L.TimeDistributed(L.Dense(3, name="inner"), name="td")(x)
    return K.Model(i, x, name="rnns")


@case("tf_keras", ALL2, notes="compiled with Adam, one step")
def k2__trained_optimizer():
    K, L, np = _k2()
    i = K.Input((4,))
    m = K.Model(i, L.Dense(2, name="out")(L.Dense(3, name="hidden")(i)), name="trained")
    m.compile("adam", "mse", metrics=["mae"])
    m.fit(np.zeros((4, 4), "float32"), np.zeros((4, 2), "float32"), verbose=0)
    return m


@case("tf_keras", "h5 weights_h5 weights_tf ckpt", notes="Keras 2 allows '/' in layer names; TF mangles others in variable names")
def k2__weird_names():
    K, L, np = _k2()
    i = x = K.Input((3,))
    for n in ["a/b", "a:b", "with space", "star*name", "dot.ted", "br[0]ack", "_under", "-dash", "ünï", "0digit", "UPPER", "kernel"]:
        try:
            y = L.Dense(3, name=n)(x)
        except Exception:  # noqa: BLE001 - some are refused by tf.name_scope
            continue
        x = y
    return K.Model(i, x, name="odd_names")


# =========================================================================== plain TensorFlow
def part_tf(outdir, only):
    import numpy as np
    import tensorflow as tf

    for c in CASES["tf"]:
        if only and c["name"] not in only:
            continue
        d = os.path.join(outdir, "tf", c["name"])
        shutil.rmtree(d, ignore_errors=True)
        os.makedirs(d)
        orc = dict(schema=1, part="tf", name=c["name"], notes=c["notes"],
                   versions=dict(tensorflow=tf.__version__, numpy=np.__version__),
                   root_name="", root_class="", built=True, layers=[], weights=[], files={})
        c["fn"](d, orc, c)
        write_oracle(d, orc)
        print(f"tf/{c['name']}: {len(orc['weights'])} addresses")


def _tf_rows(orc, flat, root_name, part_key):
    """flat: list of (path tuple, tf.Variable)."""
    import numpy as np

    ids = {}
    orc["root_name"] = root_name
    uniq = []
    for _, v in flat:
        if id(v) not in ids:
            ids[id(v)] = len(ids)
            uniq.append(v)
    fill("tf", part_key, uniq)
    for path, v in flat:
        a = v.numpy()
        orc["weights"].append(dict(
            layer_path=[root_name] + [str(x) for x in path[:-1]], name=str(path[-1]), index=0, owner_class="",
            attr_path=[x if isinstance(x, int) else str(x) for x in path], var_id=ids[id(v)], kind="weight",
            keras_path=v.name, shape=list(a.shape), dtype=v.dtype.name, trainable=bool(v.trainable), sha256=sha(np.asarray(a))))


def _module_flat(m):
    import tensorflow as tf

    return list(m._flatten(predicate=lambda v: isinstance(v, tf.Variable), with_path=True, expand_composites=False))


@case("tf", "", notes="tf.Module tree: layer_path/name are attribute steps (Module has no variable names of its own); keras_path = tf name")
def tf__module_tree(d, orc, c):
    import tensorflow as tf

    class Linear(tf.Module):
        def __init__(self, n, m, name=None):
            super().__init__(name=name)
            with self.name_scope:
                self.w = tf.Variable(tf.zeros([n, m]), name="w")
                self.b = tf.Variable(tf.zeros([m]), name="bias_variable")

        def __call__(self, x):
            return x @ self.w + self.b

    class Mlp(tf.Module):
        def __init__(self, name=None):
            super().__init__(name=name)
            self.blocks = [Linear(4, 4, "lin"), Linear(4, 4, "lin")]
            self.heads = {"cls": Linear(4, 3, "cls"), "reg": Linear(4, 1)}
            self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
            self.tied = self.blocks[0]

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
        def __call__(self, x):
            for b in self.blocks:
                x = b(x)
            return self.heads["cls"](x), self.heads["reg"](x)

    m = Mlp("mlp")
    _tf_rows(orc, _module_flat(m), m.name, c["name"])
    tf.saved_model.save(m, os.path.join(d, "saved_model"))
    orc["files"]["saved_model"] = {"path": "saved_model", "_raw": ckpt_keys(os.path.join(d, "saved_model/variables/variables"))}
    p = tf.train.Checkpoint(root=m).save(os.path.join(d, "ckpt", "ck"))
    orc["files"]["ckpt"] = {"path": os.path.relpath(p, d), "_raw": ckpt_keys(p)}
    p = tf.train.Checkpoint(m).write(os.path.join(d, "ckpt_root", "ck"))
    orc["files"]["ckpt_root"] = {"path": "ckpt_root/ck", "_raw": ckpt_keys(p)}


@case("tf", "", notes="object-based checkpoint with keys that need escaping ('/', '.')")
def tf__escaped_keys(d, orc, c):
    import tensorflow as tf

    vs = {"a/b": tf.Variable(tf.zeros([2, 2]), name="v0"), "dot.ted": tf.Variable(tf.zeros([3]), name="v1"),
          ".ATTRIBUTES": tf.Variable(tf.zeros([4]), name="v2"), "sp ace*": tf.Variable(tf.zeros([5]), name="v3"),
          "uni\u00e9": tf.Variable(tf.zeros([6]), name="v4")}
    _tf_rows(orc, [((k,), v) for k, v in vs.items()], "", c["name"])
    p = tf.train.Checkpoint(**vs).write(os.path.join(d, "ck"))
    orc["files"]["ckpt"] = {"path": "ck", "_raw": ckpt_keys(p)}


def _named(orc, values):
    """values: {full name: ndarray}; address = scope path + leaf."""
    import numpy as np

    for i, (k, a) in enumerate(values.items()):
        parts = k.split("/")
        orc["weights"].append(dict(layer_path=parts[:-1], name=parts[-1], index=0, owner_class="", attr_path=[], var_id=i,
                                   kind="weight", keras_path=k, shape=list(np.shape(a)), dtype=np.asarray(a).dtype.name,
                                   trainable=True, sha256=sha(a)))


@case("tf", "", notes="tf.compat.v1 Saver: name-based, V2 single, V2 sharded over two devices, V1 (SSTable with snappy), partitioned variables")
def tf__saver_v1_graph(d, orc, c):
    import numpy as np
    import tensorflow as tf

    shapes = {"scope_a/dense/kernel": (7, 5), "scope_a/dense/bias": (5,), "scope_b/part": (10, 4), "global_step": ()}
    vals = {k: fake_values(f"tf/{c['name']}/{k}", s, "int64" if k == "global_step" else "float32") for k, s in shapes.items()}
    _named(orc, vals)

    def build(v1):
        with tf.device("/cpu:0"):
            v1.get_variable("scope_a/dense/kernel", initializer=tf.constant(vals["scope_a/dense/kernel"]))
            v1.get_variable("global_step", initializer=tf.constant(vals["global_step"]))
        with tf.device("/cpu:1"):
            v1.get_variable("scope_a/dense/bias", initializer=tf.constant(vals["scope_a/dense/bias"]))
            v1.get_variable("scope_b/part", initializer=tf.constant(vals["scope_b/part"]),
                            partitioner=tf.compat.v1.fixed_size_partitioner(3))
        return (v1.train.Saver(), v1.train.Saver(sharded=True), v1.train.Saver(write_version=1))

    cfg = tf.compat.v1.ConfigProto(device_count={"CPU": 2})
    g, saved = tf.Graph(), {}
    with g.as_default():
        savers = build(tf.compat.v1)
        with tf.compat.v1.Session(graph=g, config=cfg) as s:
            s.run(tf.compat.v1.global_variables_initializer())
            for tag, sv in zip(("v2", "v2_sharded", "v1"), savers):
                os.makedirs(os.path.join(d, tag))
                saved[tag] = sv.save(s, os.path.join(d, tag, "model.ckpt"), write_meta_graph=False)
    for tag, p in saved.items():
        orc["files"][tag] = {"path": os.path.relpath(p, d), "_raw": ckpt_keys(p)}
    assert np.shape(vals["global_step"]) == ()


@case("tf", "", notes="every dtype in one TensorBundle written with SaveV2 + MergeV2Checkpoints from 3 shards; strings, empties, 5000 keys (many SSTable blocks)")
def tf__bundle_dtypes(d, orc, c):
    import numpy as np
    import tensorflow as tf

    vals = {}
    for dt in ("float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
               "bool", "complex64", "complex128", "float8_e5m2", "float8_e4m3fn"):
        vals[f"dt/{dt}"] = fake_values(f"tf/{c['name']}/{dt}", (5, 11), dt)
    vals["dt/scalar"] = fake_values("tf/scalar", (), "float32")
    vals["dt/empty"] = np.zeros((0, 3), "float32")
    vals["dt/rank8"] = fake_values("tf/rank8", (1, 2, 1, 2, 1, 2, 1, 3), "float32")
    _named(orc, vals)
    strings = {"str/scalar": np.array(b"hello", object), "str/vec": np.array([b"", b"a", b"b" * 300, "\u00e9".encode()], object)}
    items = list(vals.items()) + list(strings.items())
    shards = [dict(items[i::3]) for i in range(3)]
    prefixes = []
    for i, sh in enumerate(shards):
        p = os.path.join(d, f"tmp_part{i}")
        ts = [tf.constant(v) if v.dtype != object else tf.constant(v.tolist()) for v in sh.values()]
        tf.raw_ops.SaveV2(prefix=p, tensor_names=list(sh), shape_and_slices=[""] * len(sh), tensors=ts)
        prefixes.append(p)
    out = os.path.join(d, "merged")
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=prefixes, destination_prefix=out, delete_old_dirs=False)
    orc["files"]["bundle"] = {"path": "merged", "_raw": ckpt_keys(out),
                              "strings": {k: [x.decode("latin1") for x in np.atleast_1d(v)] for k, v in strings.items()}}
    many = {f"m/{i:05d}/kernel": np.float32(i) for i in range(5000)}
    p = os.path.join(d, "many")
    tf.raw_ops.SaveV2(prefix=p, tensor_names=list(many), shape_and_slices=[""] * len(many), tensors=[tf.constant(v) for v in many.values()])
    orc["files"]["many"] = {"path": "many", "note": "5000 float32 scalars m/{i:05d}/kernel == i"}


# =========================================================================== main
def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("outdir", nargs="?")
    ap.add_argument("--part", choices=PARTS)
    ap.add_argument("--only", nargs="*", default=[])
    ap.add_argument("--list", action="store_true")
    a = ap.parse_args()
    if a.list or not a.outdir:
        for part in PARTS:
            for c in CASES[part]:
                print(f"{part}/{c['name']:32} {' '.join(c['formats'])}  {c['notes']}")
        return 0
    out = os.path.abspath(a.outdir)
    if a.part:
        {"keras3": part_keras3, "tf_keras": part_tf_keras, "tf": part_tf}[a.part](out, a.only)
        return 0
    rc = 0
    for part in PARTS:
        cmd = [sys.executable, os.path.abspath(__file__), out, "--part", part]
        if a.only:
            cmd += ["--only", *a.only]
        rc |= subprocess.run(cmd).returncode
    cases = []
    for part in PARTS:
        for c in CASES[part]:
            f = os.path.join(out, part, c["name"], "oracle.json")
            if os.path.exists(f):
                o = json.load(open(f))
                cases.append(dict(part=part, name=c["name"], dir=f"{part}/{c['name']}", n_weights=len(o["weights"]),
                                  files={k: v.get("path", v.get("error")) for k, v in o["files"].items()}))
    with open(os.path.join(out, "MANIFEST.json"), "w") as f:
        json.dump({"cases": cases}, f, indent=1)
        f.write("\n")
    size = sum(os.path.getsize(os.path.join(r, x)) for r, _, fs in os.walk(out) for x in fs)
    print(f"{len(cases)} cases, {size / 1e6:.1f} MB in {out}")
    return rc


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        pass
    except Exception:
        traceback.print_exc()
        sys.exit(1)
