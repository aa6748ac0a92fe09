/** Reads tensors of ONNX files (TensorProto of onnx.proto3) without trusting the sizes that they declare. */
import { fromHalves } from './bytes.ts';
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
export type Elements = Float32Array | Int8Array | Uint16Array | Int16Array | Int32Array;

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
  readonly octets: (number[] | Uint8Array)[] = [];
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
    const bytes = stored * ARRAYS[type].BYTES_PER_ELEMENT;
    const size = octets.reduce(
      (all, { length }) => all + length,
      integers.length * ARRAYS[type].BYTES_PER_ELEMENT,
    );
    if (size !== bytes || (integers.length > 0 && (octets.length > 0 || type === 'float32')))
      throw new ModelError(`Its tensor “${this.name}” does not have the elements that its shape declares.`);
    // Varints of types narrower than int32 may be sign-extended or not; typed arrays wrap both to the same value.
    if (integers.length > 0) return unpacked(ARRAYS[type].from(integers), type, count);
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const part of octets) {
      whole.set(part, at);
      at += part.length;
    }
    return unpacked(new ARRAYS[type](whole.buffer), type, count);
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

/** Unpacks int4, which is stored two to a byte; other types are returned as they are. */
const unpacked = (stored: Elements, type: ElementType, count: number): Elements =>
  type === 'int4' ? fromHalves(stored as Int8Array, count) : stored;
