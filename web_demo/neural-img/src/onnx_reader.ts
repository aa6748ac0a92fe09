/**
 * Reads networks from ONNX files, by the names of their tensors (docs/format.md); the file's graph is ignored.
 *
 * Files may be malicious: no memory is taken before the sizes that a file declares are checked against its bytes.
 */
import { type Family, shapesOf } from './families/family.ts';
import { FAMILIES } from './families/index.ts';
import type { Kernel } from './kernel.ts';
import { ModelError } from './model_error.ts';
import { coloursOf, type ModelInfo, type Network, type Tensor, valuesOf } from './network.ts';
import { readLatents, STREAM } from './onnx_latents.ts';
import { type OnnxTensor, outOfRange, readTensor } from './onnx_tensor.ts';
import { messageIn, Reader, textOf } from './protobuf.ts';

const FORMAT = '2';
export const MOST_LAYERS = 16;
export const MOST_CHANNELS = 1024;
/** Possible numbers of colour channels: grey, RGB, and RGB with alpha. */
export const COLOURS = [1, 3, 4];
export const LONGEST_SIDE = 1 << 17;
export const MOST_PIXELS = 1 << 28;
const MOST_BYTES = 1 << 26;
const MOST_TENSORS = 4096;
// Numbers of protobuf fields (onnx.proto3).
const MODEL_GRAPH = 7;
const MODEL_METADATA = 14;
const GRAPH_INITIALIZER = 5;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

/** The metadata of a file. */
interface Metadata {
  family: string;
  /** Native width and height in pixels. */
  size: [number, number];
  /** All entries by key. */
  entries: Map<string, string>;
}

/** Reads the network in a serialized ModelProto. Throws a ModelError if there is none, or if it is incomplete or beyond the limits. */
export function readNetwork(kernel: Kernel, file: Uint8Array): Network {
  const reader = new Reader();
  const { family: name, size, entries } = readMetadata(file, reader);
  const family = FAMILIES.get(name);
  if (!family)
    throw new ModelError(
      `This decoder does not know the family “${name.slice(0, 40)}”; neural-img/onnx runs any.`,
    );
  const names = [...shapesOf(family, 1, 1, 1).keys(), ...(family.hasLatents ? Object.keys(STREAM) : [])];
  const stored = namedTensors(file, reader, names);
  const missing = names.sort().find((name) => !stored.has(name));
  if (missing)
    throw new ModelError(`This model has no tensor “${missing}”: export it again, or use neural-img/onnx.`);
  const tensors = tensorsOf(family, stored);
  const network: Network = {
    family: name,
    size,
    bits: stored.get('weights')?.type === 'int4' ? 4 : 8,
    tensors,
  };
  if (family.hasLatents)
    network.latents = readLatents(kernel, stored, entries, size, coloursOf(network), file.length);
  for (const name of Object.keys(tensors))
    if (!valuesOf(network, name).every(Number.isFinite))
      throw new ModelError(`Its tensor “${name}” has values that are infinite or not a number.`);
  return network;
}

/** Reads the properties of a picture of any family. */
export function readInfo(file: Uint8Array): ModelInfo {
  const reader = new Reader();
  const { family, size } = readMetadata(file, reader);
  const weights = namedTensors(file, reader, ['weights']).get('weights');
  const name = weights ? `d${sizesOf(weights).depth}w${sizesOf(weights).channels}` : '';
  return { family, name, width: size[0], height: size[1] };
}

/** Throws a ModelError if a file of so many bytes is too large to be a neural image. */
export function refuseTooLarge(bytes: number): void {
  if (bytes > MOST_BYTES) throw new ModelError('This file is over 64 MiB: too large for a neural image.');
}

/** Reads the metadata. Throws a ModelError if the file is not a neural image of this format. */
function readMetadata(file: Uint8Array, reader: Reader): Metadata {
  if (file.length === 0) throw new ModelError('This file is empty.');
  refuseTooLarge(file.length);
  const entries = new Map<string, string>();
  const none = new Uint8Array();
  for (const [number, content] of reader.fields(file)) {
    if (number !== MODEL_METADATA) continue;
    const fields = new Map(reader.fields(messageIn(content)));
    entries.set(textOf(fields.get(ENTRY_KEY) ?? none), textOf(fields.get(ENTRY_VALUE) ?? none));
  }
  const [version, family] = [entries.get('anir')?.slice(0, 20), entries.get('family')];
  if (version === undefined)
    throw new ModelError('This is not a neural image: it does not carry the “anir” mark.');
  const remedy = version === '1' ? 'export it again' : 'update the decoder';
  if (version !== FORMAT)
    throw new ModelError(`This neural image has format ${version}, this decoder reads ${FORMAT}; ${remedy}.`);
  const sides = [entries.get('width') ?? '', entries.get('height') ?? ''];
  if (family === undefined || !sides.every((side) => /^\d{1,9}$/.test(side)))
    throw new ModelError('This neural image does not say its size and family; export it again.');
  const [width = 0, height = 0] = sides.map(Number);
  if (Math.min(width, height) < 1 || Math.max(width, height) > LONGEST_SIDE || width * height > MOST_PIXELS)
    throw new ModelError(
      `This neural image says that it is ${width}×${height} pixels, which is out of range.`,
    );
  return { family, size: [width, height], entries };
}

/** Reads the initializers of the top-level graph that have one of these names. */
function namedTensors(file: Uint8Array, reader: Reader, names: string[]): Map<string, OnnxTensor> {
  const tensors = new Map<string, OnnxTensor>();
  let read = 0;
  const graphs = [...reader.fields(file)].filter(([number]) => number === MODEL_GRAPH);
  for (const [number, content] of graphs.flatMap(([, graph]) => [...reader.fields(messageIn(graph))])) {
    if (number !== GRAPH_INITIALIZER) continue;
    if (++read > MOST_TENSORS)
      throw new ModelError(`This model has more than ${MOST_TENSORS} tensors, which no neural image needs.`);
    const tensor = readTensor(messageIn(content), reader);
    if (tensors.has(tensor.name)) throw new ModelError(`This model has two tensors “${tensor.name}”.`);
    if (names.includes(tensor.name)) tensors.set(tensor.name, tensor);
  }
  return tensors;
}

/** Checks the tensors of a network, and brings them into the shapes of `Network`. */
function tensorsOf(family: Family, all: ReadonlyMap<string, OnnxTensor>): Record<string, Tensor> {
  const [weights, head] = [all.get('weights'), all.get('head')] as [OnnxTensor, OnnxTensor];
  const { depth, channels } = sizesOf(weights);
  const colours = (head.axes.length > (channels > 1 ? 1 : 0) ? head.axes.at(-1) : 1) ?? 1;
  if (!COLOURS.includes(colours)) throw outOfRange('head');
  const tensors: Record<string, Tensor> = {};
  for (const [name, { types, shape }] of shapesOf(family, depth, channels, colours)) {
    const field = family.fields[name.replace(/\.scale$/, '')];
    const [tensor, stored] = [all.get(name) as OnnxTensor, storedShape(name, shape, field?.scaled)];
    if (tensor.axes.join() !== stored.filter((length) => length !== 1).join())
      throw new ModelError(`Its tensor “${name}” has the shape [${tensor.dims}], not [${stored}].`);
    const data = tensor.elements(types) as Tensor['data'];
    tensors[name] = { shape, data: name === 'head' ? turned(data, channels, colours) : data };
  }
  return tensors;
}

/** Numbers of layers D and channels C, from the shape of the hidden matrices [D − 1, C, C], where axes of length 1 may be missing. */
function sizesOf({ axes }: OnnxTensor): { depth: number; channels: number } {
  const [links = 1, ...matrix] = axes.length % 2 ? axes : [1, ...axes];
  const [channels = 1] = matrix;
  if (
    matrix.slice(1).join() !== matrix.slice(0, 1).join() ||
    links < 1 ||
    links >= MOST_LAYERS ||
    channels < 1 ||
    channels > MOST_CHANNELS
  )
    throw outOfRange('weights');
  return { depth: links + 1, channels };
}

/** The shape that a tensor has in an ONNX file (docs/format.md), where a scale has at most one axis. */
function storedShape(name: string, shape: number[], scaled?: number): number[] {
  const [first = 1, second = 1, ...others] = shape;
  if (scaled === 2) return [first * second, ...others];
  return name === 'head' ? shape.toReversed() : shape;
}

/** Transposes a matrix [rows, columns] to [columns, rows]. */
function turned(matrix: ArrayLike<number>, rows: number, columns: number): Int8Array {
  const at = (k: number) => (k % rows) * columns + Math.floor(k / rows);
  return Int8Array.from({ length: matrix.length }, (_, k) => matrix[at(k)] as number);
}
