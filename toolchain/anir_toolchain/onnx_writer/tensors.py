"""A network's tensors as named initializers of a graph that onnxscript builds."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from anir_runtime.network import Network
from numpy.typing import NDArray
from onnxscript import GraphBuilder, OpBuilder


@dataclass(frozen=True)
class NetworkTensors:
    """Adds a network's tensors, and other constants, to a graph.

    Attributes:
        builder: the graph that is being written.
        network: the network whose tensors are added.
    """

    builder: GraphBuilder
    network: Network

    @property
    def op(self) -> OpBuilder:
        """Adds nodes: `op.Sin(h)` adds a Sin node and returns its result."""
        return self.builder.op

    def constant(self, name: str, value: NDArray[np.generic] | np.generic | float) -> ir.Value:
        """Adds an initializer of that name; a Python float becomes a float32 scalar."""
        array = np.array(value, np.float32) if isinstance(value, float) else np.asarray(value, order="C")
        return self.builder.initializer(ir.tensor(array, name=name))

    def dequantized(self, name: str, codes: NDArray[np.generic], axis: int = 0) -> ir.Value:
        """Adds the real values of a tensor: codes times scale.

        Args:
            name: name of the network's tensor.
            codes: its codes, in the shape that the graph needs.
            axis: the axis of `codes` along which each entry has its own scale.
        """
        scale = self.constant(f"{name}.scale", self.network.tensors[f"{name}.scale"].reshape(-1))
        values: ir.Value = self.op.DequantizeLinear(self.constant(name, codes), scale, axis=axis)
        return values

    def rows(self, name: str, axes: int = 1) -> ir.Value:
        """Adds real values of rows of C channels, float32[rows, 1 ..., C], with `axes` axes of length 1."""
        codes = self.network.tensors[name]
        return self.dequantized(name, codes.reshape(-1, *[1] * axes, codes.shape[-1]))

    def weights(self) -> ir.Value:
        """Adds the codes of the hidden matrices, INT4 or INT8 [L, C, C]."""
        kind = ir.DataType.INT4 if self.network.bits == 4 else ir.DataType.INT8
        return self.constant("weights", self.network.tensors["weights"].astype(kind.numpy()))

    def scaled_weights(self) -> ir.Value:
        """Adds the hidden matrices, each multiplied by its single step size, float32[L, C, C]."""
        steps = self.constant("steps", self.network.tensors["steps"])
        weights: ir.Value = self.op.DequantizeLinear(self.weights(), steps, axis=0)
        return weights

    def hidden_layers(self) -> Iterator[tuple[ir.Value, ir.Value, ir.Value]]:
        """Adds the hidden layers h W + b; yields W's codes [1, C, C], and step sizes and b, both [1, 1, C].

        A layer is (h · codes) ∘ steps + b, as OpenVINO 2026 does not compile a network with a single hidden
        matrix whose codes are scaled per output before the product. The codes have three axes because with a
        dequantized matrix of two axes ONNX Runtime rounds h to 8 bits.
        """
        layers = self.network.depth - 1
        # A scale of 1, just to convert the codes to real numbers.
        codes = self.op.DequantizeLinear(self.weights(), self.constant("unit", 1.0))
        return zip(
            self.split(codes, layers, "w"),
            self.split(self.rows("steps"), layers, "s"),
            self.split(self.rows("biases"), layers, "b"),
            strict=True,
        )

    def split(self, stacked: ir.Value, parts: int, name: str) -> list[ir.Value]:
        """Splits a value into equal parts along the first axis, named `<name>1`, `<name>2` …"""
        if parts == 1:
            return [stacked]
        values = list(self.op.Split(stacked, num_outputs=parts, _outputs=parts))
        for number, value in enumerate(values, start=1):
            value.name = f"{name}{number}"
        return values
