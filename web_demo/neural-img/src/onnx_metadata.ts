/**
 * Reads what an anir file says of itself, straight from its bytes, before ONNX Runtime sees them:
 * the runtime for the web does not pass metadata on, and its own errors are not for readers.
 */

export interface ModelInfo {
  /** The network's kind: siren, fourier or gabor. */
  family: string;
  /** The subnet, such as d3w64. */
  name: string;
  /** The native size in pixels. */
  width: number;
  height: number;
}

/** What is wrong with a file, in one line for its owner. */
export class ModelError extends Error {
  override name = 'ModelError';
}

const FORMAT = '1';
const MAX_FILE_BYTES = 64e6;
const MAX_SIDE = 16384;

// Field numbers of onnx.proto.
const MODEL = { irVersion: 1, graph: 7, metadataProps: 14 };
const GRAPH = { initializer: 5 };
const TENSOR = { externalData: 13, dataLocation: 14 };
const ENTRY = { key: 1, value: 2 };

export function readModelInfo(file: Uint8Array): ModelInfo {
  if (file.length === 0) throw new ModelError('This file is empty.');
  if (file.length > MAX_FILE_BYTES)
    throw new ModelError('This file is over 64 MB: far too large for a neural image.');
  // Every ONNX writer begins with the IR version, a varint; a PNG or a text does not.
  if (file[0] !== MODEL.irVersion << 3) throw new ModelError('This is not an ONNX file.');

  const metadata = new Map<string, string>();
  let hasGraph = false;
  for (const field of fields(file)) {
    if (field.number === MODEL.graph) {
      hasGraph = true;
      refuseExternalData(field.bytes);
    }
    if (field.number === MODEL.metadataProps) metadata.set(...readEntry(field.bytes));
  }
  if (!hasGraph) throw damaged();
  return interpret(metadata);
}

function interpret(metadata: Map<string, string>): ModelInfo {
  const format = metadata.get('anir');
  if (format === undefined) {
    throw new ModelError('This ONNX model is not a neural image: it does not carry the “anir” mark.');
  }
  if (format !== FORMAT) {
    throw new ModelError(`This neural image has format ${short(format)}; this page reads format ${FORMAT}.`);
  }
  return {
    family: short(metadata.get('family') ?? ''),
    name: short(metadata.get('name') ?? ''),
    width: readSide(metadata.get('width')),
    height: readSide(metadata.get('height')),
  };
}

function readSide(text = ''): number {
  const side = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0;
  if (side === 0) throw new ModelError('This neural image does not say how wide and high it is.');
  if (side > MAX_SIDE)
    throw new ModelError(`This neural image is ${side} pixels on one side; the limit here is ${MAX_SIDE}.`);
  return side;
}

function refuseExternalData(graph: Uint8Array): void {
  for (const { number, bytes } of fields(graph)) {
    if (number !== GRAPH.initializer) continue;
    for (const field of fields(bytes)) {
      const isExternal =
        field.number === TENSOR.externalData || (field.number === TENSOR.dataLocation && field.varint === 1);
      if (isExternal)
        throw new ModelError('This model keeps its weights in a second file; a neural image is one file.');
    }
  }
}

function readEntry(bytes: Uint8Array): [string, string] {
  let key = '';
  let value = '';
  for (const field of fields(bytes)) {
    if (field.number === ENTRY.key) key = decodeText(field.bytes);
    if (field.number === ENTRY.value) value = decodeText(field.bytes);
  }
  return [key, value];
}

const decodeText = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const short = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
const damaged = () => new ModelError('This ONNX file is cut short or damaged.');

interface Field {
  number: number;
  /** The value of a number field, else 0. */
  varint: number;
  /** The content of a text, bytes or message field, else empty. */
  bytes: Uint8Array;
}

/** Walks the fields of one protobuf message; views, no copies. */
function* fields(message: Uint8Array): Generator<Field> {
  let at = 0;

  function readVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw damaged();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw damaged();
  }

  function take(length: number): Uint8Array {
    if (length > message.length - at) throw damaged();
    at += length;
    return message.subarray(at - length, at);
  }

  while (at < message.length) {
    const tag = readVarint();
    const field: Field = { number: Math.floor(tag / 8), varint: 0, bytes: message.subarray(0, 0) };
    const wireType = tag % 8;
    if (wireType === 0) field.varint = readVarint();
    else if (wireType === 1) take(8);
    else if (wireType === 2) field.bytes = take(readVarint());
    else if (wireType === 5) take(4);
    else throw damaged();
    yield field;
  }
}
