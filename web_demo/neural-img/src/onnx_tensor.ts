/** Reads tensors of ONNX files (TensorProto of onnx.proto3) without trusting the sizes that they declare. */
import { concat, fromHalves } from './bytes.ts';
import { ModelError } from './model_error.ts';
import { type Content, damaged, messageIn, type Reader, textOf } from './protobuf.ts';

// Numbers of TensorProto's fields.
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

/** Array types of the element types; int4 takes one element each. Both the file and all machines with browsers are little-endian. */
const ARRAYS = {
  float32: Float32Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int4: Int8Array,
};
export type ElementType = keyof typeof ARRAYS;
type Elements = Float32Array | Int8Array | Uint16Array | Int16Array | Int32Array;

const TYPES = new Map<Content, ElementType>([
  [1, 'float32'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [22, 'int4'],
]);

/** A tensor as it is stored: its elements are either raw bytes or varints. */
export class OnnxTensor {
  name = '';
  /** Undefined for types that no network has. */
  type: ElementType | undefined;
  readonly dims: number[] = [];
  readonly octets: Uint8Array[] = [];
  readonly integers: number[] = [];

  /** Lengths of its axes without those of length 1, which tools add and remove. */
  get axes(): number[] {
    return this.dims.filter((length) => length !== 1);
  }

  /** Returns all elements. Throws a ModelError if they are of none of these types, or if their number does not match the axes. */
  elements(types: readonly ElementType[]): Elements {
    const { type = 'int4', dims, octets, integers } = this;
    if (!this.type || !types.includes(type))
      throw new ModelError(`Its tensor “${this.name}” is not of type ${types.join(' or ')}.`);
    const count = dims.reduce((all, length) => all * length, 1);
    // int4 is stored two to a byte.
    const stored = type === 'int4' ? Math.ceil(count / 2) : count;
    const bytes = concat(octets);
    const size = bytes.length + integers.length * ARRAYS[type].BYTES_PER_ELEMENT;
    const areMixed = integers.length > 0 && (octets.length > 0 || type === 'float32');
    if (size !== stored * ARRAYS[type].BYTES_PER_ELEMENT || areMixed)
      throw new ModelError(`Its tensor “${this.name}” does not have the elements that its shape declares.`);
    // Varints of types narrower than int32 may be sign-extended or not; typed arrays wrap both to the same value.
    const elements = integers.length > 0 ? ARRAYS[type].from(integers) : new ARRAYS[type](bytes.buffer);
    return type === 'int4' ? fromHalves(elements as Int8Array, count) : elements;
  }
}

/** Parses a TensorProto. Throws a ModelError if it is damaged, has too many axes, or keeps its elements in another file. */
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
      tensor.octets.push(Array.isArray(content) ? Uint8Array.from(content) : messageIn(content));
    else if (number === EXTERNAL || (number === LOCATION && content !== 0))
      throw new ModelError('This model keeps its weights in another file; a neural image is one file.');
  }
  if (tensor.dims.length > MOST_AXES || tensor.dims.some((length) => length < 0 || length > LONGEST_AXIS))
    throw outOfRange(tensor.name);
  return tensor;
}

/** The error for a tensor whose shape no neural image has. */
export const outOfRange = (name: string): ModelError =>
  new ModelError(`Its tensor “${name.slice(0, 40)}” has a shape that is out of range.`);

function wholeIn(content: Content): number {
  if (typeof content !== 'number') throw damaged();
  return content;
}
