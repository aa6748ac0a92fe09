/** Reads the test vectors in ../../tests/vectors, on which Python and TypeScript have to agree. */
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
  /** Values of all colour channels at these columns and rows. */
  pixels: number[];
  /** The whole picture at smaller sizes. */
  smaller: (Omit<NetworkCase, 'network' | 'smaller'> & { spacing: [number, number] })[];
}

/** Networks of a family, with pixels by the formulas. */
export const networkCases = (family: string): NetworkCase[] =>
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  vectors<any[]>(`network-${family}`).map(({ smaller, ...own }) => {
    return { network: networkOf(own), ...drawn(own), smaller: smaller.map(drawn) };
  });

// biome-ignore lint/suspicious/noExplicitAny: JSON
const drawn = ({ x, y, spacing, pixels }: any) => {
  return { x: Float32Array.from(x), y: Float32Array.from(y), spacing, pixels: pixels.flat(2) };
};

// biome-ignore lint/suspicious/noExplicitAny: JSON
function networkOf({ family, tensors, latents, size, bits }: any): Network {
  const states = Object.entries(tensors as Record<string, State>);
  const network: Network = {
    family,
    size,
    bits,
    tensors: Object.fromEntries(states.map(([name, state]) => [name, tensorOf(state)])),
  };
  if (latents) {
    const { codes, magnitudes, ...others } = latents;
    const shape = codes.shape.slice(1, 4);
    const arrays = { codes: Int16Array.from(codes.values), magnitudes: Float32Array.from(magnitudes) };
    network.latents = { ...others, shape, ...arrays };
  }
  return network;
}

/** An `.anir` file and what Python reads from it. */
export interface AnirCase {
  file: Uint8Array<ArrayBuffer>;
  family: string;
  colours: number;
  bits: number;
  pitch: number;
  start: number;
  /** Previews from prefixes that end within the first level, at the same coordinates. */
  previews: { bytes: number; pixels: number[] }[];
  levels: (Omit<NetworkCase, 'smaller'> & { name: string; end: number; psnr: number[] })[];
  /** Networks and pixels from prefixes that end within a later level. */
  refined: (Omit<NetworkCase, 'smaller'> & { bytes: number })[];
}

export const anirCases = (): AnirCase[] =>
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  vectors<any[]>('anir').map(({ anir, x, y, previews, levels, refined, ...others }) => {
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    const shown = ({ network, pixels, ...own }: any) => {
      const both = { network: networkOf(network), pixels: pixels.flat(2) };
      return { ...own, ...both, x: Float32Array.from(x), y: Float32Array.from(y) };
    };
    return {
      ...others,
      previews: previews.map(({ bytes, pixels }: { bytes: number; pixels: number[][][] }) => ({
        bytes,
        pixels: pixels.flat(2),
      })),
      file: Uint8Array.from(Buffer.from(anir, 'base64')),
      levels: levels.map(shown),
      refined: refined.map(shown),
    };
  });

/** The content of a prefix of a file in strips; `places` are the indices of the codes other than 0. */
interface Shown {
  bytes: number;
  name: string;
  places: number[];
  codes: number[];
  magnitudes: number[];
  pixels: number[];
}

/** An `.anir` file of a large picture, with what Python reads from its levels and from prefixes between them. */
export interface StripsCase {
  file: Uint8Array<ArrayBuffer>;
  /** Another file, of five strips, with the same levels. */
  five: Uint8Array<ArrayBuffer>;
  /** The first row of cells of each strip, followed by the number of rows. */
  starts: number[];
  x: Float32Array;
  y: Float32Array;
  levels: Shown[];
  refined: Shown[];
  previews: { bytes: number; pixels: number[] }[];
}

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

export function stripsCase(name: 'strips' | 'strips-32' = 'strips'): StripsCase {
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  const { anir, five, x, y, starts, ...shown } = vectors<any>(name);
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  const flat = (own: any[]) => own.map(({ pixels, ...others }) => ({ ...others, pixels: pixels.flat(2) }));
  return {
    file: bytesOf(anir),
    five: bytesOf(five),
    starts,
    x: Float32Array.from(x),
    y: Float32Array.from(y),
    levels: flat(shown.levels),
    refined: flat(shown.refined),
    previews: flat(shown.previews),
  };
}
