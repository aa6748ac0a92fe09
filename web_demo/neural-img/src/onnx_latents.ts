/** Reads latents from the tensors of an ONNX file, where their codes are an entropy-coded stream (docs/format.md). */
import type { Kernel } from './kernel.ts';
import { context, LEAST_FREQUENCIES, lattice, PITCHES, REACHES } from './lapped_transform.ts';
import { ModelError } from './model_error.ts';
import type { Latents } from './network.ts';
import type { ElementType, OnnxTensor } from './onnx_tensor.ts';
import { decode } from './rans.ts';

/** The tensors of a stream, and their types. */
export const STREAM = {
  'latents.step': 'float32',
  'latents.magnitudes': 'float32',
  'latents.words': 'uint16',
  'latents.states': 'int32',
  'latents.frequencies': 'int32',
  'latents.limits': 'float32',
} as const satisfies Record<string, ElementType>;

const HIGHEST_STEP = 1 << 16;
const HIGHEST_MAGNITUDE = 2 ** 30;
// Limits of a stream: the codes and steps that any file may have, and how many more each of its bytes allows.
const FREE_CODES = 1 << 20;
const CODES_PER_BYTE = 512;
const FREE_STEPS = 1 << 15;
const STEPS_PER_BYTE = 16;

/**
 * Reads the latents of a picture of the given size and number of colour planes, from a file of `bytes` bytes. Throws a ModelError if
 * the stream is damaged, or declares more than the picture and the file can have.
 */
export function readLatents(
  kernel: Kernel,
  tensors: ReadonlyMap<string, OnnxTensor>,
  entries: ReadonlyMap<string, string>,
  size: [number, number],
  planes: number,
  bytes: number,
): Latents {
  const pitch = entryOf(entries, 'pitch', named(PITCHES));
  const down = entryOf(entries, 'scan', { down: true, right: false });
  const reach = entryOf(entries, 'reach', named(REACHES));
  const apart = entryOf(entries, 'lanes', { planes: true, joint: false });
  const order = entryOf(
    entries,
    'order',
    named(Array.from({ length: pitch - LEAST_FREQUENCIES + 1 }, (_, k) => LEAST_FREQUENCIES + k)),
  );
  const names = Object.entries(STREAM);
  const [steps, magnitudes, words, states, frequencies, limits] = names.map(([name, type]) =>
    tensors.get(name)?.elements([type]),
  ) as [Float32Array, Float32Array, Uint16Array, Int32Array, Int32Array, Float32Array];
  const [step = 0] = steps;
  if (steps.length !== 1 || !(step > 0 && step <= HIGHEST_STEP))
    throw new ModelError('Its tensor “latents.step” is not a number above 0.');
  if (frequencies.length % (limits.length + 1))
    throw new ModelError(
      'Its tensor “latents.frequencies” does not have one row more than “latents.limits”.',
    );
  checkAscent(magnitudes, frequencies.length / (limits.length + 1));
  const [along, across] = lattice(size, pitch, down);
  const lanes = apart ? across * planes : across;
  const length = along * order ** 2 * (apart ? 1 : planes);
  if (states.length !== lanes)
    throw new ModelError(`Its tensor “latents.states” has ${states.length} lanes, its picture ${lanes}.`);
  if (length * lanes > FREE_CODES + CODES_PER_BYTE * bytes || length > FREE_STEPS + STEPS_PER_BYTE * bytes)
    throw new ModelError('It declares a larger picture than its entropy-coded stream can have.');
  const codes = decode(kernel, words, states, { frequencies, limits }, context(order), length, across);
  return { codes, shape: [along, across, order], step, pitch, down, reach, magnitudes };
}

/** Throws a ModelError unless there is a magnitude for each of `sizes` absolute values of codes, ascending from 0. */
function checkAscent(magnitudes: Float32Array, sizes: number): void {
  if (magnitudes.length !== sizes)
    throw new ModelError(
      `Its tensor “latents.magnitudes” has ${magnitudes.length} entries, its codes ${sizes} sizes.`,
    );
  const rises = (magnitude: number, k: number) =>
    k ? magnitude > (magnitudes[k - 1] ?? 0) : magnitude === 0;
  if (![...magnitudes, HIGHEST_MAGNITUDE].every(rises))
    throw new ModelError('Its tensor “latents.magnitudes” does not ascend from 0.');
}

const named = (values: number[]) => Object.fromEntries(values.map((value) => [`${value}`, value]));

/** Looks up the text of a metadata entry in a table of its possible values. */
function entryOf<T>(entries: ReadonlyMap<string, string>, key: string, values: Record<string, T>): T {
  const text = entries.get(key) ?? '';
  if (!Object.hasOwn(values, text))
    throw new ModelError(`Its “${key}” is “${text.slice(0, 20)}”, not ${Object.keys(values).join(' or ')}.`);
  return values[text] as T;
}
