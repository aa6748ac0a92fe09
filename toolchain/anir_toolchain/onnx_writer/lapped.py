"""The graph of the family `lapped`: the planes of a lapped transform, and sine layers on top."""

import math

import numpy as np
import onnx_ir as ir
from anir_runtime.errors import AnirError
from anir_runtime.lapped_transform import MEAN_ACTIVITY, Axis, LatentInput, context
from anir_runtime.network import Latents

from anir_toolchain.lapped_synthesis import CONSTANT, existing_inputs
from anir_toolchain.latent_coding import encode_latents, planes_apart
from anir_toolchain.onnx_writer.rans import decoded
from anir_toolchain.onnx_writer.tensors import NetworkTensors
from anir_toolchain.rans_encoder import MOST_SIZES


def metadata_of(latents: Latents) -> dict[str, str]:
    """Returns the latents' entries in the file's metadata (docs/format.md)."""
    return {
        "pitch": str(latents.pitch),
        "scan": "down" if latents.down else "right",
        "reach": str(latents.reach),
        "order": str(latents.codes.shape[-1]),
        "lanes": "planes" if planes_apart(latents.codes) else "joint",
    }


def layers(tensors: NetworkTensors, x: ir.Value, y: ir.Value) -> ir.Value:
    """Writes the layers h₁ = `seen_planes`, hₗ₊₁ = h₁ + sin(hₗ Wₗ); returns the last, float32[H, W, C].

    x [W] and y [H] are the coordinates of the columns and of the rows, float32.
    """
    op, weights = tensors.op, tensors.scaled_weights()
    h = seen = seen_planes(tensors, x, y)
    for weight in tensors.split(weights, tensors.network.depth - 1, "w"):
        h = op.Add(seen, op.Sin(op.MatMul(h, weight)))
    return h


def seen_planes(tensors: NetworkTensors, x: ir.Value, y: ir.Value) -> ir.Value:
    """Writes the first layer, float32[H, W, C]: planes at each point, neighbours' differences, CONSTANT."""
    op, planes, channels = tensors.op, tensors.network.colours, tensors.network.channels
    seen = existing_inputs(channels, planes)
    values = _planes(tensors, x, y, seen)
    if len(seen) > planes:
        here, beside = op.Split(values, [planes, len(seen) - planes], axis=0, _outputs=2)
        own = tensors.constant("own", np.array([own.plane for own in seen[planes:]]))
        values = op.Concat(here, op.Sub(beside, op.Gather(here, own)), axis=0)
    others = [0, channels - len(seen)]
    whole = op.Pad(values, others, tensors.constant("constant", CONSTANT), [0])
    return op.Transpose(whole, perm=[1, 2, 0])


def _planes(tensors: NetworkTensors, x: ir.Value, y: ir.Value, seen: list[LatentInput]) -> ir.Value:
    """Writes the values of planes at each point and its neighbours, one per input: float32[seen, H, W]."""
    op, network = tensors.op, tensors.network
    latents = network.latents
    assert latents is not None
    across_picture, down_picture = (Axis(pixels, latents.pitch) for pixels in network.size)
    farthest = max(abs(step) for _, *place in seen for step in place)
    unit = np.float32(latents.reach * math.pi / 2 / latents.pitch)
    distances = np.arange(-farthest, farthest + 1, dtype=np.float32) * unit
    odd_numbers = np.arange(1, 2 * latents.codes.shape[-1], 2, dtype=np.float32)
    shifts = tensors.constant("shifts", distances[:, None, None, None])
    odd = tensors.constant("odd", odd_numbers[:, None, None])
    columns = cosines(tensors, across_picture, x, shifts, odd)
    rows = cosines(tensors, down_picture, y, shifts, odd)
    # Indices: row h, column w, plane p, shift d down, input s; cell a and frequency k along the scan, cell b
    # and frequency l across it.
    down, right = ("ka", "lb") if latents.down else ("lb", "ka")
    coefficients = "aklpb" if planes_apart(latents.codes) else "paklb"
    sums = op.Einsum(_coefficients(tensors, latents), rows, equation=f"{coefficients},d{down}h->pdh{right}")
    rights = tensors.constant("right", np.array([farthest + own.right for own in seen]))
    downs = tensors.constant("down", np.array([[own.plane, farthest + own.down] for own in seen]))
    return op.Einsum(
        op.GatherND(sums, downs), op.Gather(columns, rights), equation=f"sh{right},s{right}w->shw"
    )


def cosines(
    tensors: NetworkTensors, axis: Axis, places: ir.Value, shifts: ir.Value, odd: ir.Value
) -> ir.Value:
    """Writes all cells' windowed cosines at shifted coordinates, float32[shifts, K, cells, N].

    Args:
        tensors: the network's tensors.
        axis: the axis of the picture, with its cells.
        places: coordinates on the axis, float32[N].
        shifts: distances by which the coordinates are shifted, as angles of the window,
            float32[shifts, 1, 1, 1].
        odd: the odd numbers 1, 3, 5 … of the K frequencies, float32[K, 1, 1].
    """
    op, unit = tensors.op, math.pi / 4 * axis.pixels / axis.pitch
    # Angles of the first cell's middle and just beyond the last one's, a limit for Range in float32.
    first = math.pi / 4 - unit
    last = first + math.pi / 2 * (axis.cells - 1) + 0.001 + 1e-6 * unit
    places = op.Add(op.Mul(places, unit), shifts)
    middles = op.Unsqueeze(op.Range(first, last, math.pi / 2), [1])
    from_middle = op.Abs(op.Sub(op.Clip(places, first, last), middles))
    window = op.Cos(op.Min(from_middle, math.pi / 2))
    angles = op.Add(op.Sub(places, middles), math.pi * 3 / 4)
    return op.Mul(op.Cos(op.Mul(angles, odd)), window)


def _coefficients(tensors: NetworkTensors, latents: Latents) -> ir.Value:
    """Writes coefficients float32[N, A, K, K, B], or [A, K, K, N, B] if each plane has lanes of its own."""
    op, own = tensors.op, context(latents.codes.shape[-1])
    planes, along, across, k, _ = latents.codes.shape
    mean_activity = tensors.constant("mean_activity", np.full((1, 1), MEAN_ACTIVITY, np.float32))
    prior = op.Pad(mean_activity, [0, k**2 - 1], None, [0])
    values = _whole_values(tensors, latents, decoded(tensors, encode_latents(latents), own, prior))
    apart = planes_apart(latents.codes)
    stacked, lanes = (1, planes * across) if apart else (planes, across)
    values = op.Reshape(values, [stacked, along, k**2, lanes])
    # A cell's DC coefficient, the only one with a prior, is the sum of the differences along the scan.
    values = op.Where(op.Greater(prior, 0.0), op.CumSum(values, 1), values)
    # Scaled only now, as sums of whole numbers are exact.
    scale = op.Mul(tensors.constant("latents.step", latents.step), 2 / latents.pitch)
    values = op.Mul(values, scale)
    return op.Reshape(values, [along, k, k, planes, across] if apart else [planes, along, k, k, across])


def _whole_values(tensors: NetworkTensors, latents: Latents, codes: ir.Value) -> ir.Value:
    """Writes the values of codes in steps, looked up in the table of magnitudes."""
    op, magnitudes = tensors.op, latents.magnitudes
    if len(magnitudes) > MOST_SIZES:
        raise AnirError(
            f"{tensors.network.name} has {len(magnitudes)} different coefficients; "
            f"an ONNX file has at most {MOST_SIZES}"
        )
    table = tensors.constant("latents.magnitudes", magnitudes)
    return op.Mul(op.Sign(codes), op.Gather(table, op.Cast(op.Abs(codes), to=ir.DataType.INT32)))


LAYERS = {"lapped": layers}
