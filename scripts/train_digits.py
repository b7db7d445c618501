"""Trains the embedded default model, a small residual CNN for digits, into golden/data/digits as int8 ONNX QDQ.

Owns the split, the training, the quantization and the files. Run by scripts/train_digits: same versions, same bytes.
Images are N x 1 x 8 x 8 in [0, 1], weights OIHW. Every activation is int8, symmetric, zero point 0.
"""

import os

# Before JAX and NumPy start: one core means one thread, hence one order of summation. The instruction set is
# pinned too, so that JAX compiles the same code on a machine with AVX-512 as on one with AVX2.
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false --xla_cpu_max_isa=AVX2"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import hashlib
import importlib.metadata
import io
import json
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import optax
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 1
TEST_COUNT = 360
# Chosen by 5-fold cross-validation within the training images (99.4 %).
EPOCHS = 120
BATCH = 64
PEAK_RATE = 6e-3
WEIGHT_DECAY = 0.05
LABEL_SMOOTHING = 0.1
MIN_FLOAT_ACCURACY = 0.98
MAX_INT8_LOSS = 0.006
OUTPUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "data" / "digits"
PACKAGES = ("jax", "jaxlib", "numpy", "onnx", "optax", "scikit-learn")

# name: (input channels, output channels, kernel, stride); the padding is kernel // 2 on every side.
CONVS = {
    "stem": (1, 16, 3, 1),
    "block1.conv1": (16, 16, 3, 1),
    "block1.conv2": (16, 16, 3, 1),
    "block2.conv1": (16, 32, 3, 2),
    "block2.conv2": (32, 32, 3, 1),
    "block2.project": (16, 32, 1, 2),
}
CLASSES = 10

LICENSE = """\
# Licence of the digits data

`images.npy` and `labels.npy` are part of the data set *Optical Recognition of Handwritten Digits* by E. Alpaydin
and C. Kaynak, UCI Machine Learning Repository (1998), https://doi.org/10.24432/C50P49, licensed under Creative
Commons Attribution 4.0 International (CC BY 4.0), https://creativecommons.org/licenses/by/4.0/. They come from the
copy of its test set that scikit-learn (BSD-3-Clause) distributes as `sklearn.datasets.load_digits`.

Changes: the pixels 0..16 were divided by 16 to lie in [0, 1] and stored as float32 N x 1 x 8 x 8; the 1797 images
were split, and only the 360 held back from training are stored here (`manifest.json` lists their indices).

`digits.onnx`, trained on the other 1437 images, and `float_logits.npy` are part of offbyzero (Apache-2.0).
"""


def load_split():
    """Images, labels, and the ascending indices of the training and of the held-back images."""
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    train, test = train_test_split(
        np.arange(len(images)), test_size=TEST_COUNT, stratify=digits.target, random_state=SEED)
    return images, digits.target.astype(np.int64), np.sort(train), np.sort(test)


def shift_randomly(rng, images):
    """Moves half of the images by one pixel, along each axis independently, filling with background."""
    padded = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, images.shape[2:], axis=(1, 2))
    down, right = rng.choice(3, size=(2, len(images)), p=[0.25, 0.5, 0.25])
    return windows[np.arange(len(images)), down, right][:, None]


def init_params(rng):
    """He initialization; biases 0. There is no batch norm to fold: a network this shallow trains without."""
    def layer(*shape):
        deviation = np.sqrt(2 / np.prod(shape[1:]))
        return {"w": jnp.float32(rng.normal(0, deviation, shape)), "b": jnp.zeros(shape[0], jnp.float32)}

    params = {name: layer(o, i, k, k) for name, (i, o, k, _) in CONVS.items()}
    params["fc"] = layer(CLASSES, CONVS["block2.conv2"][1])
    return params


def forward(params, image):
    """Every value that the int8 model stores, by layer name; "fc" holds the logits."""
    def conv(name, x):
        _, _, kernel, stride = CONVS[name]
        pad = (kernel // 2, kernel // 2)
        y = jax.lax.conv_general_dilated(x, params[name]["w"], (stride, stride), (pad, pad))
        return y + params[name]["b"][:, None, None]

    v = {"stem": jax.nn.relu(conv("stem", image))}
    v["block1.conv1"] = jax.nn.relu(conv("block1.conv1", v["stem"]))
    v["block1.conv2"] = conv("block1.conv2", v["block1.conv1"])
    v["block1.add"] = jax.nn.relu(v["block1.conv2"] + v["stem"])
    v["block2.conv1"] = jax.nn.relu(conv("block2.conv1", v["block1.add"]))
    v["block2.conv2"] = conv("block2.conv2", v["block2.conv1"])
    v["block2.project"] = conv("block2.project", v["block1.add"])
    v["block2.add"] = jax.nn.relu(v["block2.conv2"] + v["block2.project"])
    v["pool"] = v["block2.add"].mean(axis=(2, 3))
    v["fc"] = v["pool"] @ params["fc"]["w"].T + params["fc"]["b"]
    return v


def train(images, labels):
    """AdamW, the rate falling to 0 along a cosine. The incomplete last batch of an epoch is left out."""
    rng = np.random.default_rng(SEED)
    params = init_params(rng)
    batches = len(images) // BATCH
    rate = optax.cosine_decay_schedule(PEAK_RATE, EPOCHS * batches)
    optimizer = optax.adamw(rate, weight_decay=WEIGHT_DECAY)
    state = optimizer.init(params)

    @jax.jit
    def step(params, state, x, y):
        def loss(p):
            targets = optax.smooth_labels(jax.nn.one_hot(y, CLASSES), LABEL_SMOOTHING)
            return optax.softmax_cross_entropy(forward(p, x)["fc"], targets).mean()

        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    for _ in range(EPOCHS):
        order = rng.permutation(len(images))[: batches * BATCH]
        for chosen in order.reshape(batches, BATCH):
            params, state = step(params, state, shift_randomly(rng, images[chosen]), labels[chosen])
    return jax.tree.map(np.asarray, params)


def calibrate(params, images):
    """Scale of each activation: its largest magnitude on the training images becomes 127."""
    scales = {name: np.float32(np.abs(v).max() / 127) for name, v in forward(params, images).items()}
    scales["image.int8"] = np.float32(1 / 127)
    # On its input's grid a mean is only a division, which profiles that cannot rescale a pool can express.
    scales["pool"] = scales["flatten"] = scales["block2.add"]
    return scales


def quantize(real, scale, dtype):
    """round_half_even(real / scale) in double precision; narrow range, so that int8 stays symmetric."""
    q = np.rint(np.asarray(real, np.float64) / np.asarray(scale, np.float64))
    limit = np.iinfo(dtype).max
    return np.clip(q, -limit, limit).astype(dtype)


class QdqGraph:
    """Collects the nodes. The int8 tensor of layer L is called L, and L.real the same after its DequantizeLinear."""

    def __init__(self, params, scales):
        self.params, self.scales = params, scales
        self.nodes, self.initializers = [], []

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op, name, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        return output

    def store(self, layer, real, relu=False, output=None):
        """`real`, perhaps through Relu, then through QuantizeLinear and DequantizeLinear."""
        if relu:
            real = self.node("Relu", f"{layer}.relu", [real], f"{layer}.positive")
        grid = [self.constant(f"{layer}.scale", self.scales[layer]),
                self.constant(f"{layer}.zero_point", np.int8(0))]
        self.node("QuantizeLinear", f"{layer}.quantize", [real, *grid], layer)
        self.node("DequantizeLinear", f"{layer}.dequantize", [layer, *grid], output or f"{layer}.real")

    def parameter(self, name, real, scale, dtype):
        """A constant in `dtype`, its scales along axis 0, through DequantizeLinear."""
        column = scale.reshape(-1, *[1] * (real.ndim - 1))
        inputs = [self.constant(name, quantize(real, column, dtype)), self.constant(f"{name}.scale", scale),
                  self.constant(f"{name}.zero_point", np.zeros(len(scale), dtype))]
        return self.node("DequantizeLinear", f"{name}.dequantize", inputs, f"{name}.real", axis=0)

    def weighted(self, op, layer, source, relu=False, output=None, **attributes):
        """Conv or Gemm on int8 tensor `source`; weights int8 per output channel, bias int32 on the sum's grid."""
        weight, bias = self.params[layer]["w"], self.params[layer]["b"]
        weight_scale = np.abs(weight).max(axis=tuple(range(1, weight.ndim))) / np.float32(127)
        inputs = [f"{source}.real", self.parameter(f"{layer}.weight", weight, weight_scale, np.int8),
                  self.parameter(f"{layer}.bias", bias, self.scales[source] * weight_scale, np.int32)]
        self.store(layer, self.node(op, layer, inputs, f"{layer}.sum", **attributes), relu, output)

    def conv(self, layer, source, relu=False):
        _, _, kernel, stride = CONVS[layer]
        self.weighted("Conv", layer, source, relu,
                      kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4)

    def add(self, layer, a, b):
        self.store(layer, self.node("Add", layer, [f"{a}.real", f"{b}.real"], f"{layer}.sum"), relu=True)


def build_model(params, scales):
    g = QdqGraph(params, scales)
    g.store("image.int8", "image")
    g.conv("stem", "image.int8", relu=True)
    g.conv("block1.conv1", "stem", relu=True)
    g.conv("block1.conv2", "block1.conv1")
    g.add("block1.add", "block1.conv2", "stem")
    g.conv("block2.conv1", "block1.add", relu=True)
    g.conv("block2.conv2", "block2.conv1")
    g.conv("block2.project", "block1.add")
    g.add("block2.add", "block2.conv2", "block2.project")
    g.store("pool", g.node("GlobalAveragePool", "pool", ["block2.add.real"], "pool.mean"))
    g.store("flatten", g.node("Flatten", "flatten", ["pool.real"], "flatten.rows", axis=1))
    g.weighted("Gemm", "fc", "flatten", output="logits", transB=1)
    graph = helper.make_graph(
        g.nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES])],
        g.initializers)
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(graph, ir_version=8, opset_imports=[opset], producer_name="offbyzero")
    onnx.checker.check_model(model, full_check=True)
    return model


def accuracy(logits, labels):
    return float((logits.argmax(axis=1) == labels).mean())


def npy_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def manifest_text(files, shapes, test, float_accuracy, int8_accuracy):
    manifest = {
        "name": "digits",
        "description": "Small residual CNN for 8x8 handwritten digits, int8, with images held back from training",
        "model": {"file": "digits.onnx", "input": "image", "output": "logits", "format": "ONNX QDQ, opset 13, IR 8"},
        "quantization": {
            "weights": "int8 [-127, 127], symmetric, per output channel",
            "activations": "int8, zero point 0, per tensor, scale = largest magnitude on the training images / 127",
            "bias": "int32 = round_half_even(bias / (input scale * weight scale))",
        },
        "shapes": shapes,
        "split": {
            "source": "sklearn.datasets.load_digits", "seed": SEED, "stratified": True, "held_back": test.tolist()},
        "float_accuracy": float_accuracy,
        "fake_quantized_accuracy": int8_accuracy,
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    text = json.dumps(manifest, indent=2) + "\n"
    # Lists of numbers on one line: 360 lines of indices would hide the rest.
    return re.sub(r"\[[\d,\s]+\]", lambda m: "[" + " ".join(m[0][1:-1].split()) + "]", text)


def write(files):
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        unfinished = OUTPUT / f"{name}.new"
        unfinished.write_bytes(data)
        unfinished.replace(OUTPUT / name)


def main():
    images, labels, training, test = load_split()
    params = train(images[training], labels[training])
    model = build_model(params, calibrate(params, images[training]))

    float_logits = np.asarray(forward(params, images[test])["fc"])
    # Read as opset 19, the first whose DequantizeLinear the evaluator has; for int8 it means the same as in 13.
    evaluator = ReferenceEvaluator(model.graph, opsets={"": 19})
    int8_logits = np.concatenate([evaluator.run(None, {"image": image[None]})[0] for image in images[test]])
    float_accuracy, int8_accuracy = accuracy(float_logits, labels[test]), accuracy(int8_logits, labels[test])
    print(f"accuracy on {len(test)} held-back images: float {float_accuracy:.4f}, int8 {int8_accuracy:.4f}")
    if float_accuracy < MIN_FLOAT_ACCURACY or float_accuracy - int8_accuracy > MAX_INT8_LOSS:
        raise SystemExit(f"expected float >= {MIN_FLOAT_ACCURACY} and a loss <= {MAX_INT8_LOSS}; nothing written")

    arrays = {"images.npy": images[test], "labels.npy": labels[test], "float_logits.npy": float_logits}
    files = {"digits.onnx": model.SerializeToString(), "LICENSE.md": LICENSE.encode()}
    files |= {name: npy_bytes(a) for name, a in arrays.items()}
    shapes = {"image": [1, 1, 8, 8], "logits": [1, CLASSES], **{name: list(a.shape) for name, a in arrays.items()}}
    files["manifest.json"] = manifest_text(files, shapes, test, float_accuracy, int8_accuracy).encode()
    write(files)


if __name__ == "__main__":
    main()
