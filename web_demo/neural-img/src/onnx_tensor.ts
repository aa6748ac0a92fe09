/** Tensors of ONNX files (TensorProto of onnx.proto3), read without taking a size on trust. */
import { fromHalves } from './bytes.ts';
import { ModelError } from './model_error.ts';
import { type Content, damaged, messageIn, type Reader, textOf } from './protobuf.ts';

const DIMS = 1;
const TYPE = 2;
const FLOATS = 4;
const INT32S = 5;
const NAME = 8;
const RAW = 9;
const EXTERNAL = 13;
const LOCATION = 14;
const MOST_AXES = 8;
const LONGEST_AXIS = 2 ** 31 - 1;

/** Arrays of a type's elements, of int4 one to an element; little-endian, as the file and all machines with browsers. */
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

const TYPES = new Map<Content, ElementType>([
  [1, 'float32'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [22, 'int4'],
]);

/** A tensor as the file has it: its elements are bytes, one after the other, or varints. */
export class OnnxTensor {
  name = '';
  /** Nothing for types that no network has. */
  type: ElementType | undefined;
  readonly dims: number[] = [];
  readonly octets: (number[] | Uint8Array)[] = [];
  readonly integers: number[] = [];

  /** Lengths of its axes but those of length 1, which tools add and take away. */
  get axes(): number[] {
    return this.dims.filter((length) => length !== 1);
  }

  /** All elements. Throws a ModelError if they are of none of these types, or not as many as the axes say. */
  elements(types: readonly ElementType[]): Elements {
    const { type = 'int4', dims, octets, integers } = this;
    if (!this.type || !types.includes(type))
      throw new ModelError(`Its tensor “${this.name}” is not of type ${types.join(' or ')}.`);
    const count = dims.reduce((all, length) => all * length, 1);
    // Two numbers of 4 bits are stored as one byte.
    const stored = type === 'int4' ? Math.ceil(count / 2) : count;
    const bytes = stored * ARRAYS[type].BYTES_PER_ELEMENT;
    const size = octets.reduce(
      (all, { length }) => all + length,
      integers.length * ARRAYS[type].BYTES_PER_ELEMENT,
    );
    if (size !== bytes || (integers.length > 0 && (octets.length > 0 || type === 'float32')))
      throw new ModelError(`Its tensor “${this.name}” does not have the elements that its shape declares.`);
    // What has fewer bits than int32 may be stored with a sign or without.
    if (integers.length > 0) return unpaired(ARRAYS[type].from(integers), type, count);
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const part of octets) {
      whole.set(part, at);
      at += part.length;
    }
    return unpaired(new ARRAYS[type](whole.buffer), type, count);
  }
}

/** Takes a TensorProto apart. Throws a ModelError if it is damaged, has too many axes, or keeps its elements in another file. */
export function readTensor(message: Uint8Array, reader: Reader): OnnxTensor {
  const tensor = new OnnxTensor();
  for (const [number, content] of reader.fields(message)) {
    if (number === DIMS || number === INT32S) {
      const numbers = number === DIMS ? tensor.dims : tensor.integers;
      if (content instanceof Uint8Array) for (const value of reader.varints(content)) numbers.push(value);
      else numbers.push(wholeIn(content));
    } else if (number === TYPE) tensor.type = TYPES.get(wholeIn(content));
    else if (number === NAME) tensor.name = textOf(content);
    else if (number === RAW || number === FLOATS)
      tensor.octets.push(Array.isArray(content) ? content : messageIn(content));
    else if (number === EXTERNAL || (number === LOCATION && content !== 0))
      throw new ModelError('This model keeps its weights in another file; a neural image is one file.');
  }
  if (tensor.dims.length > MOST_AXES || tensor.dims.some((length) => length < 0 || length > LONGEST_AXIS))
    throw new ModelError(`Its tensor “${tensor.name.slice(0, 40)}” has a shape that is out of range.`);
  return tensor;
}

function wholeIn(content: Content): number {
  if (typeof content !== 'number') throw damaged();
  return content;
}

/** Numbers of 4 bits are stored as bytes of two; others are as they are. */
const unpaired = (stored: Elements, type: ElementType, count: number): Elements =>
  type === 'int4' ? fromHalves(stored as Int8Array, count) : stored;
