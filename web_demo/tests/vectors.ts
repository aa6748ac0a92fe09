/** What Python and TypeScript have to agree on: files of ../../tests/vectors. */
import { readFileSync } from 'node:fs';
import type { Network, Tensor } from '../neural-img/src/network.ts';

interface State {
  type: 'int8' | 'int16' | 'float32';
  shape: number[];
  values: number[];
}

const ARRAYS = { int8: Int8Array, int16: Int16Array, float32: Float32Array };

export const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}.json`, import.meta.url), 'utf8'));

export const tensorOf = ({ type, shape, values }: State): Tensor => ({
  shape,
  data: ARRAYS[type].from(values),
});

export interface NetworkCase {
  network: Network;
  x: Float32Array;
  y: Float32Array;
  /** RGB at these columns and rows. */
  pixels: number[];
}

/** Networks of a family with their pictures, as the formulas give them. */
export function networkCases(family: string): NetworkCase[] {
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  return vectors<any[]>(`network-${family}`).map(({ tensors, latents, x, y, pixels, size, bits }) => {
    const states = Object.entries(tensors as Record<string, State>);
    const network: Network = {
      family,
      size,
      bits,
      tensors: Object.fromEntries(states.map(([name, state]) => [name, tensorOf(state)])),
    };
    if (latents) {
      const { codes, ...others } = latents;
      network.latents = { ...others, shape: codes.shape.slice(1, 4), codes: Int16Array.from(codes.values) };
    }
    return { network, x: Float32Array.from(x), y: Float32Array.from(y), pixels: pixels.flat(2) };
  });
}
