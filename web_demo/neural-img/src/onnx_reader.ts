/**
 * Networks from ONNX files, by the names of their tensors (docs/format.md); a file's graph is not looked at.
 *
 * Files come from strangers: what a file declares is compared with the bytes there are before memory is taken.
 */
import { type Family, shapesOf } from './families/family.ts';
import { FAMILIES } from './families/index.ts';
import type { Kernel } from './kernel.ts';
import { ModelError } from './model_error.ts';
import { type ModelInfo, type Network, type Tensor, valuesOf } from './network.ts';
import { readLatents, STREAM } from './onnx_latents.ts';
import { type OnnxTensor, readTensor } from './onnx_tensor.ts';
import { bytesOf, Reader, textOf } from './protobuf.ts';

const FORMAT = 2;
const MOST = { bytes: 64e6, layers: 16, channels: 1024, colours: 4, side: 1 << 17, pixels: 1 << 28 };

const MODEL = { graph: 7, metadata: 14 };
const GRAPH = { initializer: 5 };
const ENTRY = { key: 1, value: 2 };

/** What a file says of its picture. */
export interface Metadata {
  /** Name of the network's family. */
  family: string;
  /** Native width and height in pixels. */
  size: [number, number];
  /** All entries, by key. */
  entries: Map<string, string>;
}

/** The network in a serialized ModelProto. Throws a ModelError if there is none, or not one that is whole and in bounds. */
export function readNetwork(kernel: Kernel, file: Uint8Array): Network {
  const reader = new Reader();
  const metadata = readMetadata(file, reader);
  const family = FAMILIES.get(metadata.family);
  if (!family)
    throw new ModelError(
      `This decoder does not know the family “${metadata.family.slice(0, 40)}”; neural-img/onnx runs the graph of any.`,
    );
  const names = new Set([
    ...shapesOf(family, 1, 1, 1).keys(),
    ...(family.hasLatents ? Object.keys(STREAM) : []),
  ]);
  const stored = namedTensors(file, reader, names);
  const missing = [...names].sort().find((name) => !stored.has(name));
  if (missing)
    throw new ModelError(`This model has no tensor “${missing}”: export it again, or use neural-img/onnx.`);
  const tensors = tensorsOf(family, stored);
  const [width = 0, height = 0] = metadata.size;
  const network: Network = {
    family: metadata.family,
    size: [width, height],
    bits: stored.get('weights')?.type === 'int4' ? 4 : 8,
    tensors,
  };
  const colours = tensors.head?.shape[0] ?? 0;
  if (family.hasLatents)
    network.latents = readLatents(kernel, stored, metadata.entries, metadata.size, colours, file.length);
  checkValues(network);
  return network;
}

/** What a file says of its picture. Throws a ModelError if it is no neural image of this format. */
export function readMetadata(file: Uint8Array, reader: Reader): Metadata {
  if (file.length === 0) throw new ModelError('This file is empty.');
  if (file.length > MOST.bytes)
    throw new ModelError('This file is over 64 MB: too large for a neural image.');
  const entries = new Map<string, string>();
  for (const [number, content] of reader.fields(file))
    if (number === MODEL.metadata) {
      const entry = new Map([...reader.fields(bytesOf(content))]);
      entries.set(textOf(entry.get(ENTRY.key) ?? NONE), textOf(entry.get(ENTRY.value) ?? NONE));
    }
  const [version, family] = [entries.get('anir'), entries.get('family')];
  if (version === undefined)
    throw new ModelError('This is not a neural image: it does not carry the “anir” mark.');
  if (version !== `${FORMAT}`)
    throw new ModelError(
      `This neural image has format ${version.slice(0, 20)}, and this decoder reads ${FORMAT}: ` +
        (version === '1' ? 'export it again.' : 'update the decoder.'),
    );
  const sides = ['width', 'height'].map((side) => entries.get(side) ?? '');
  if (family === undefined || !sides.every((side) => /^\d{1,9}$/.test(side)))
    throw new ModelError('This neural image does not say its size and family; export it again.');
  const [width = 0, height = 0] = sides.map(Number);
  if (Math.min(width, height) < 1 || Math.max(width, height) > MOST.side || width * height > MOST.pixels)
    throw new ModelError(
      `This neural image says that it is ${width}×${height} pixels, which is out of range.`,
    );
  return { family, size: [width, height], entries };
}

const NONE = new Uint8Array();

/** What a file says of its picture, whatever its family is; a network of an unknown one has no name. */
export function readInfo(file: Uint8Array): ModelInfo {
  const reader = new Reader();
  const { family, size } = readMetadata(file, reader);
  const weights = namedTensors(file, reader, new Set(['weights'])).get('weights');
  const { depth, channels } = weights ? sizeOf(weights) : { depth: 0, channels: 0 };
  return { family, name: weights ? `d${depth}w${channels}` : '', width: size[0], height: size[1] };
}

/** Throws a ModelError if a real value of the network is infinite or not a number. */
function checkValues(network: Network): void {
  for (const name of Object.keys(network.tensors))
    if (!valuesOf(network, name).every(Number.isFinite))
      throw new ModelError(`Its tensor “${name}” has values that are infinite or not a number.`);
}

/** The initializers of the top-level graph that have these names. */
function namedTensors(file: Uint8Array, reader: Reader, names: ReadonlySet<string>): Map<string, OnnxTensor> {
  const tensors = new Map<string, OnnxTensor>();
  for (const [number, graph] of reader.fields(file)) {
    if (number !== MODEL.graph) continue;
    for (const [number, content] of reader.fields(bytesOf(graph))) {
      if (number !== GRAPH.initializer || typeof content === 'number') continue;
      const tensor = readTensor(content, reader);
      if (tensors.has(tensor.name)) throw new ModelError(`This model has two tensors “${tensor.name}”.`);
      if (names.has(tensor.name)) tensors.set(tensor.name, tensor);
    }
  }
  return tensors;
}

/** The tensors of a network in their own shapes. */
function tensorsOf(family: Family, stored: ReadonlyMap<string, OnnxTensor>): Record<string, Tensor> {
  const { depth, channels } = sizeOf(stored.get('weights') as OnnxTensor);
  const colours = coloursOf(stored.get('head') as OnnxTensor, channels);
  const tensors: Record<string, Tensor> = {};
  for (const [name, { types, shape }] of shapesOf(family, depth, channels, colours)) {
    const tensor = stored.get(name) as OnnxTensor;
    const expected = storedShape(name, shape);
    if (tensor.axes.join() !== expected.filter((length) => length !== 1).join())
      throw new ModelError(`Its tensor “${name}” has the shape [${tensor.dims}], not [${expected}].`);
    const data = tensor.elements(types) as Tensor['data'];
    tensors[name] = { shape, data: name === 'head' ? turned(data as Int8Array, channels, colours) : data };
  }
  return tensors;
}

/** Numbers of layers D and of channels C, from hidden matrices [D − 1, C, C]; axes of 1 may be gone. */
function sizeOf({ axes, dims }: OnnxTensor): { depth: number; channels: number } {
  const [links = 1, ...matrix] = axes.length % 2 ? axes : [1, ...axes];
  const [channels = 1] = matrix;
  const isSquare = matrix.length === 0 || (matrix.length === 2 && matrix[1] === channels);
  if (!isSquare || links < 1 || links >= MOST.layers || channels < 1 || channels > MOST.channels)
    throw new ModelError(
      `Its tensor “weights” has the shape [${dims}], not [layers - 1, channels, channels] with at most ` +
        `${MOST.layers} layers of ${MOST.channels} channels.`,
    );
  return { depth: links + 1, channels };
}

/** Number of colours, from the head's shape, [channels, colours]. */
function coloursOf({ axes, dims }: OnnxTensor, channels: number): number {
  const colours = axes.length > (channels > 1 ? 1 : 0) ? (axes.at(-1) ?? 1) : 1;
  if (colours < 1 || colours > MOST.colours)
    throw new ModelError(`Its tensor “head” has the shape [${dims}], not [channels, colours].`);
  return colours;
}

/** The shape that a tensor has in an ONNX file (docs/format.md). */
function storedShape(name: string, shape: number[]): number[] {
  const [first = 1, second = 1, ...others] = shape;
  if (/^(frequencies|centres)(\.scale)?$/.test(name)) return [first * second, ...others];
  return name === 'head' ? shape.toReversed() : shape;
}

/** A matrix [rows, columns] as [columns, rows]. */
function turned(matrix: Int8Array, rows: number, columns: number): Int8Array {
  return Int8Array.from(matrix, (_, k) => matrix[(k % rows) * columns + Math.floor(k / rows)] as number);
}
