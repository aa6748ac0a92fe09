/**
 * Reads what an anir file says of itself, straight from its bytes, before ONNX Runtime sees them:
 * the runtime for the web does not pass metadata on, and its own errors are not for readers.
 */

import { decodeText, fields } from './protobuf.ts';

export interface ModelInfo {
  /** The network's kind: siren, fourier, gabor or lapped. */
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

  try {
    return interpret(readMetadata(file));
  } catch (error) {
    throw error instanceof RangeError ? damaged() : error;
  }
}

function readMetadata(file: Uint8Array): Map<string, string> {
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
  return metadata;
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

const short = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
const damaged = () => new ModelError('This ONNX file is cut short or damaged.');
