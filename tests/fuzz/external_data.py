"""ONNX models with a tensor whose data may be in another file, at every place where a model can have tensors.

The tensor is named `secret`. Its value is assigned to `s`, which is added to every pixel.
"""

from collections.abc import Callable, Iterator

import onnx
from google.protobuf.message import Message
from onnx import ModelProto, TensorProto, helper

INLINE = helper.make_tensor("secret", TensorProto.FLOAT, [1], [0.25])
"""The tensor with its data in the model itself."""
FILE = "secret.bin"

_MODEL = """
<ir_version: 10, opset_import: ["" : 21, "own" : 1]>
g (float[W] x, float[H] y) => (uint8[H, W, 3] image) <{initializers}>
{{
  yes = Constant <value = bool yes {{1}}> ()
  once = Constant <value = int64 once {{1}}> ()
  shape = Constant <value = int64[1] shape {{1}}> ()
  {nodes}
  last = Constant <value = int64[1] last {{1}}> ()
  last_two = Constant <value = int64[2] last_two {{1, 2}}> ()
  three = Constant <value = int64[3] three {{1, 1, 3}}> ()
  scale = Constant <value = float scale {{0.01}}> ()
  zero = Constant <value = uint8 zero {{128}}> ()
  column = Unsqueeze(x, last)
  row = Unsqueeze(y, last_two)
  sum = Add(column, row)
  wave = Sin(sum)
  seen = Add(wave, s)
  level = QuantizeLinear(seen, scale, zero)
  image = Expand(level, three)
}}
{functions}
"""
_SECRET = "float[1] secret = {0.25}"
_VALUE = "Constant <value = float[1] secret {0.25}> ()"
_ELSE = "else_branch = e () => (float[1] e0) { e0 = Constant <value = float[1] other {0}> () }"
_OWN = '<domain: "own", opset_import: ["" : 21, "own" : 1]>\n'


def _if(body: str, initializers: str = "") -> str:
    return f"If (yes) <then_branch = t () => (float[1] t0) <{initializers}> {{ {body} }}, {_ELSE}>"


def _loop(body: str, initializers: str = "") -> str:
    head = "l (int64 i, bool c) => (bool more, float[N] o)"
    loop = f"Loop (once, yes) <body = {head} <{initializers}> {{ more = Identity(c) {body} }}>"
    return f"rounds = {loop} s = Reshape(rounds, shape)"


def _scan(body: str, initializers: str = "") -> str:
    attributes = "num_scan_inputs = 1, body = "
    head = f"{attributes}b (float state, float at) => (float kept, float[1] o)"
    scan = f"Scan (scale0, x) <{head} <{initializers}> {{ kept = Identity(state) {body} }}>"
    nodes = f"scale0 = Constant <value = float scale0 {{0}}> () kept, each = {scan}"
    reduced = "axes = Constant <value = int64[2] axes {0, 1}> () most = ReduceMax(each, axes)"
    return f"{nodes} {reduced} s = Reshape(most, shape)"


def _function(body: str) -> str:
    return f"{_OWN} f (a) => (o) {{ {body} }}"


_PLACES: dict[str, tuple[str, str, str]] = {
    "initializer": ("s = Identity(secret)", _SECRET, ""),
    "constant": (f"s = {_VALUE}", "", ""),
    "constant-of-shape": ("s = ConstantOfShape <value = float[1] secret {0.25}> (shape)", "", ""),
    "if-initializer": (f"s = {_if('t0 = Identity(secret)', _SECRET)}", "", ""),
    "if-constant": (f"s = {_if(f't0 = {_VALUE}')}", "", ""),
    "if-in-if": (f"s = {_if('t0 = ' + _if(f't0 = {_VALUE}').replace('t0', 'u0'))}", "", ""),
    "if-in-if-initializer": (
        f"s = {_if('t0 = ' + _if('t0 = Identity(secret)', _SECRET).replace('t0', 'u0'))}",
        "",
        "",
    ),
    "loop-initializer": (_loop("o = Identity(secret)", _SECRET), "", ""),
    "loop-constant": (_loop(f"o = {_VALUE}"), "", ""),
    "loop-of-if": (_loop(f"o = {_if(f't0 = {_VALUE}')}"), "", ""),
    "scan-initializer": (_scan("o = Identity(secret)", _SECRET), "", ""),
    "scan-constant": (_scan(f"o = {_VALUE}"), "", ""),
    "function": ("s = own.f(x)", "", _function(f"o = {_VALUE}")),
    "function-of-if": (
        "s = own.f(x)",
        "",
        _function(f"yes = Constant <value = bool yes {{1}}> () o = {_if(f't0 = {_VALUE}')}"),
    ),
    "function-in-function": (
        "s = own.f(x)",
        "",
        _function("o = own.h(a)") + f"\n{_OWN} h (a) => (o) {{ o = {_VALUE} }}",
    ),
    "function-in-if": (f"s = {_if('t0 = own.f(x)')}", "", _function(f"o = {_VALUE}")),
}
_PLAIN = _PLACES["initializer"]


def _parsed(place: tuple[str, str, str]) -> ModelProto:
    nodes, initializers, functions = place
    text = _MODEL.format(nodes=nodes, initializers=initializers, functions=functions)
    model = onnx.parser.parse_model(text)
    helper.set_model_props(model, {"anir": "2", "family": "waves", "width": "12", "height": "8"})
    return model


def _tensors(message: Message) -> Iterator[TensorProto]:
    """Yields all tensors within a message, at any depth."""
    if isinstance(message, TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for own in [value] if isinstance(value, Message) else value:
                yield from _tensors(own)


def model_of(place: str, tensor: TensorProto = INLINE) -> ModelProto:
    """Returns a model that has the tensor at a place, one of PLACES."""
    model = _parsed(_PLACES[place])
    secrets = [own for own in _tensors(model) if own.name == "secret"]
    assert secrets
    for own in secrets:
        own.CopyFrom(tensor)
    return model


def external(location: str = FILE, **entries: str) -> TensorProto:
    """Returns a tensor with one element, which is in another file."""
    tensor = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def _sparse(model: ModelProto) -> None:
    del model.graph.initializer[:]
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    sparse = helper.make_sparse_tensor(INLINE, indices, [1])
    sparse.values.CopyFrom(external())
    model.graph.sparse_initializer.append(sparse)


def _sparse_constant(model: ModelProto) -> None:
    del model.graph.initializer[:]
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    sparse = helper.make_sparse_tensor(INLINE, indices, [1])
    sparse.values.CopyFrom(external())
    node = helper.make_node("Constant", [], ["secret"], sparse_value=sparse)
    model.graph.node.insert(0, node)


def _location_alone(model: ModelProto) -> None:
    model.graph.initializer[0].CopyFrom(external())
    del model.graph.initializer[0].external_data[:]


def _named_alone(model: ModelProto) -> None:
    model.graph.initializer[0].CopyFrom(external())
    model.graph.initializer[0].ClearField("data_location")


def _training(model: ModelProto) -> None:
    model.training_info.add().initialization.initializer.append(external())


def _changed(change: Callable[[ModelProto], None]) -> bytes:
    model = _parsed(_PLAIN)
    change(model)
    return model.SerializeToString()


def variants() -> dict[str, bytes]:
    """Returns serialized models that refer to another file, by the place or the kind of the reference."""
    hidden = ModelProto()
    hidden.graph.initializer.append(external())
    plain = _parsed(_PLAIN)
    del plain.graph.initializer[:]
    group = bytes([9 << 3 | 3, 9 << 3 | 4])
    return {
        **{place: model_of(place, external()).SerializeToString() for place in _PLACES},
        "absolute-path": model_of("initializer", external("/etc/hostname")).SerializeToString(),
        "parent-folder": model_of("if-constant", external(f"../{FILE}")).SerializeToString(),
        "offset": model_of("loop-constant", external(offset="1", length="4")).SerializeToString(),
        "sparse-initializer": _changed(_sparse),
        "sparse-constant": _changed(_sparse_constant),
        "location-alone": _changed(_location_alone),
        "entries-alone": _changed(_named_alone),
        "training": _changed(_training),
        "second-graph": plain.SerializeToString() + hidden.SerializeToString(),
        "behind-a-group": plain.SerializeToString() + group + hidden.SerializeToString(),
    }


PLACES = sorted(_PLACES)
"""Names of the places at which a model can have the tensor, in order."""
