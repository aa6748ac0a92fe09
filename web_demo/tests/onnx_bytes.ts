/** Writes as much of ONNX's protobuf as the tests need to make valid and invalid files. */
import type { Network } from '../neural-img/src/network.ts';

/** One field of a message; negative numbers are encoded with 64 bits. */
export function field(number: number, content: number | string | Uint8Array): Uint8Array {
  if (typeof content === 'number') return concat(varint(number * 8), varint(content));
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return concat(varint(number * 8 + 2), varint(bytes.length), bytes);
}

export const concat = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

export function varint(value: number | bigint): Uint8Array {
  const octets: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) octets.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...octets, Number(rest)]);
}

/** A model with the metadata of a neural image. */
export function modelBytes(metadata: Record<string, string>, graph = field(2, 'graph')): Uint8Array {
  const entries = Object.entries(metadata).map(([key, value]) =>
    field(14, concat(field(1, key), field(2, value))),
  );
  return concat(field(1, 10), field(7, graph), field(8, field(2, 21)), ...entries);
}

/** A graph whose only initializer has its data in another file. */
export function externalGraph(): Uint8Array {
  const location = concat(field(1, 'location'), field(2, 'weights.bin'));
  return field(5, concat(field(8, 'w'), field(13, location), field(14, 1)));
}

export const METADATA = { anir: '2', family: 'siren', width: '96', height: '64' };

const TYPES: Record<string, number> = { float32: 1, int8: 3, uint16: 4, int16: 5, int32: 6, int4: 22 };

/** A tensor with its elements as raw data. */
export function tensorBytes(
  name: string,
  type: string,
  dims: number[],
  data: ArrayBufferView,
  others: Uint8Array[] = [],
): Uint8Array {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const axes = dims.map((length) => field(1, length));
  return concat(...axes, field(2, TYPES[type] ?? 0), field(8, name), field(9, raw), ...others);
}

/** The serialized tensors of a network's file (docs/format.md), by name. */
export function networkTensors({ tensors, bits }: Network): Map<string, Uint8Array> {
  const stored = Object.entries(tensors).map(([name, { shape, data }]) => {
    const [first = 1, second = 1, ...others] = shape;
    if (name === 'weights' && bits === 4) return tensorBytes(name, 'int4', shape, paired(data));
    if (name === 'head') return tensorBytes(name, 'int8', [1, second, first], turned(data, first, second));
    const isFlat = /^(frequencies|filters)(\.scale)?$/.test(name);
    const type = data.constructor.name.replace('Array', '').toLowerCase();
    return tensorBytes(name, type, isFlat ? [first * second, ...others] : shape, data);
  });
  return new Map(Object.keys(tensors).map((name, k) => [name, stored[k] as Uint8Array]));
}

/** A network's file, whose graph has tensors but no nodes. */
export function networkFile(network: Network, tensors = networkTensors(network), more = {}): Uint8Array {
  const [width, height] = network.size;
  const metadata = { ...METADATA, family: network.family, width: `${width}`, height: `${height}`, ...more };
  return modelBytes(metadata, concat(...[...tensors.values()].map((tensor) => field(5, tensor))));
}

function paired(codes: ArrayLike<number>): Uint8Array {
  return Uint8Array.from({ length: Math.ceil(codes.length / 2) }, (_, k) => {
    const [low = 0, high = 0] = [codes[2 * k], codes[2 * k + 1]];
    return (low & 15) | ((high & 15) << 4);
  });
}

function turned(data: ArrayLike<number>, rows: number, columns: number): Int8Array {
  return Int8Array.from(
    { length: data.length },
    (_, k) => data[(k % rows) * columns + Math.floor(k / rows)] ?? 0,
  );
}
