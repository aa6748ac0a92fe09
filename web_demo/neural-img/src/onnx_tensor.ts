/** Tensors of ONNX files (TensorProto of onnx.proto3), read without taking a size on trust. */
import { ModelError } from './model_error.ts';
import { bytesOf, type Content, packedVarints, type Reader, textOf, wholeOf } from './protobuf.ts';

const FIELDS = {
  dims: 1,
  type: 2,
  floats: 4,
  int32s: 5,
  int64s: 7,
  name: 8,
  raw: 9,
  external: 13,
  location: 14,
};
const TYPES: Record<number, ElementType> = {
  1: 'float32',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  22: 'int4',
};
const MOST_AXES = 8;
const LONGEST_AXIS = 2 ** 31 - 1;

/** Arrays that hold a type's elements, of int4 one to an element; and those that the file stores them in. */
const ARRAYS = {
  float32: Float32Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int4: Int8Array,
};

export type ElementType = keyof typeof ARRAYS;
export type Elements = Float32Array | Int8Array | Uint16Array | Int16Array | Int32Array;

/** A tensor as the file has it; its elements stay where they are until they are asked for. */
export class OnnxTensor {
  name = '';
  /** Nothing for types that no network has. */
  type: ElementType | undefined;
  dims: number[] = [];
  /** Fields with its elements, by their number, in their order. */
  readonly data: [number, Content][] = [];

  /** Lengths of its axes but those of length 1, which tools add and take away. */
  get axes(): number[] {
    return this.dims.filter((length) => length !== 1);
  }

  /** All elements. Throws a ModelError if they are of none of these types, or not as many as the axes say. */
  elements(types: readonly ElementType[]): Elements {
    const { type } = this;
    if (!type || !types.includes(type))
      throw new ModelError(`Its tensor “${this.name}” is not of type ${types.join(' or ')}.`);
    const count = this.dims.reduce((all, length) => all * length, 1);
    // Of int4, what is stored is pairs.
    const stored = type === 'int4' ? Math.ceil(count / 2) : count;
    const [field = FIELDS.raw] = this.data[0] ?? [];
    const size = this.data.reduce((all, [, content]) => all + lengthOf(content), 0);
    if (this.data.some(([number]) => number !== field) || size < stored) throw this.#wrongSize();
    if (field === FIELDS.raw || (field === FIELDS.floats && type === 'float32'))
      return this.#fromBytes(type, count, stored);
    if (field !== FIELDS.int32s || type === 'float32') throw this.#wrongSize();
    const integers = this.#integers(type, stored);
    return type === 'int4' ? unpaired(integers as Int8Array, count) : integers;
  }

  #fromBytes(type: ElementType, count: number, stored: number): Elements {
    const parts = this.data.map(([, content]) => bytesOf(content));
    const whole = new Uint8Array(parts.reduce((all, part) => all + part.length, 0));
    if (whole.length !== stored * ARRAYS[type].BYTES_PER_ELEMENT) throw this.#wrongSize();
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    // The file's order of bytes, little-endian, is that of all machines with browsers.
    const elements = new ARRAYS[type](whole.buffer);
    return type === 'int4' ? unpaired(elements as Int8Array, count) : elements;
  }

  /** Integers that the file has as varints, packed or each in a field of its own. */
  #integers(type: ElementType, count: number): Elements {
    const [[, first = 0] = []] = this.data;
    const isPacked = typeof first !== 'number';
    if (this.data.length !== (isPacked ? 1 : count)) throw this.#wrongSize();
    const values = isPacked ? packedVarints(first, count) : this.data.map(([, content]) => wholeOf(content));
    const elements = ARRAYS[type].from(values);
    // Tools write a byte with a sign or without.
    if (elements.BYTES_PER_ELEMENT > 1 && values.some((value, k) => value !== elements[k]))
      throw new ModelError(`Its tensor “${this.name}” has numbers out of range.`);
    return elements;
  }

  #wrongSize(): ModelError {
    return new ModelError(`Its tensor “${this.name}” does not have the elements that its shape declares.`);
  }
}

/**
 * Takes a TensorProto apart. Throws a ModelError if it is damaged, has too many axes, or keeps its elements in another file.
 */
export function readTensor(message: Uint8Array, reader: Reader): OnnxTensor {
  const tensor = new OnnxTensor();
  const { raw, floats, int32s, int64s } = FIELDS;
  for (const [number, content] of reader.fields(message)) {
    if (number === FIELDS.dims)
      tensor.dims.push(...(typeof content === 'number' ? [content] : packedDims(content)));
    else if (number === FIELDS.type) tensor.type = TYPES[wholeOf(content)];
    else if (number === FIELDS.name) tensor.name = textOf(content);
    else if ([raw, floats, int32s, int64s].includes(number)) tensor.data.push([number, content]);
    else if (number === FIELDS.external || (number === FIELDS.location && content !== 0))
      throw new ModelError('This model keeps its weights in another file; a neural image is one file.');
  }
  if (tensor.dims.length > MOST_AXES || tensor.dims.some((length) => length < 0 || length > LONGEST_AXIS))
    throw new ModelError(`Its tensor “${tensor.name}” has a shape that is out of range.`);
  return tensor;
}

function packedDims(content: Uint8Array): number[] {
  return packedVarints(content, content.subarray(0, 10 * MOST_AXES).filter((octet) => octet < 128).length);
}

/** Bytes, or 1 for a varint: at least as many as a tensor's elements. */
const lengthOf = (content: Content) => (typeof content === 'number' ? 1 : content.length);

/** Numbers of 4 bits with a sign, two to a byte, the first in the lower half. */
function unpaired(pairs: Int8Array, count: number): Int8Array {
  return Int8Array.from({ length: count }, (_, k) => {
    const pair = pairs[k >> 1] as number;
    return k % 2 ? pair >> 4 : (pair << 28) >> 28;
  });
}
