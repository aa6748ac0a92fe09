/**
 * Filters sin(ωx·x + ωy·y + φ) on a grid, which are Gabor's with a Gaussian around a centre.
 *
 * sin(a + b) = sin a · cos b + cos a · sin b, and a Gaussian is a product of one of x and one of y: each column and row has
 * its own sines and cosines, and no point needs more than their products.
 */
import { product, type Spectrum, spectrum } from '../chebyshev.ts';
import type { Kernel } from '../kernel.ts';
import { channelsOf, type Network, valuesOf } from '../network.ts';

/** One filter for each channel; without a Gaussian, its decay γ is 0. */
export interface Bank {
  /** ωx and ωy. */
  frequencies: Float32Array[];
  phases: Float32Array;
  /** μx and μy. */
  centres: Float32Array[];
  decays: Float32Array;
}

/** An axis: 0 for x, 1 for y. */
export type Axis = 0 | 1;

export function banksOf(network: Network): Bank[] {
  const channels = channelsOf(network);
  const rowsOf = (name: string) => {
    const values = network.tensors[name] ? valuesOf(network, name) : new Float32Array(2 * phases * channels);
    return (row: number) => values.subarray(row * channels, (row + 1) * channels);
  };
  const phases = network.tensors.phases?.shape[0] ?? 0;
  const [frequency, phase, centre, decay] = [
    rowsOf('frequencies'),
    rowsOf('phases'),
    rowsOf('centres'),
    rowsOf('decays'),
  ];
  return Array.from({ length: phases }, (_, bank) => ({
    frequencies: [frequency(bank), frequency(phases + bank)],
    phases: phase(bank),
    centres: [centre(bank), centre(phases + bank)],
    decays: decay(bank),
  }));
}

/** The address of [coordinate / 8][channel][sine × 8, cosine × 8]: of eight points side by side. */
export function laneTable(
  kernel: Kernel,
  bank: Bank,
  axis: Axis,
  at: Float32Array,
  channels: number,
): number {
  const data = new Float32Array(Math.ceil(at.length / 8) * channels * 16);
  eachWave(bank, axis, at, (coordinate, channel, sine, cosine) => {
    const to = ((coordinate >> 3) * channels + channel) * 16 + (coordinate & 7);
    data[to] = sine;
    data[to + 8] = cosine;
  });
  return kernel.put(data);
}

/** The address of [coordinate][channel][cosine, sine]: of what such points have in common. */
export function otherTable(
  kernel: Kernel,
  bank: Bank,
  axis: Axis,
  at: Float32Array,
  channels: number,
): number {
  const data = new Float32Array(at.length * channels * 2);
  eachWave(bank, axis, at, (coordinate, channel, sine, cosine) => {
    const to = (coordinate * channels + channel) * 2;
    data[to] = cosine;
    data[to + 1] = sine;
  });
  return kernel.put(data);
}

/** Visits each wave, times its Gaussian, at each coordinate; phases belong to y. */
function eachWave(
  { frequencies, phases, centres, decays }: Bank,
  axis: Axis,
  at: Float32Array,
  visit: (coordinate: number, channel: number, sine: number, cosine: number) => void,
): void {
  for (let channel = 0; channel < phases.length; channel++) {
    const [frequency, centre, decay] = [frequencies[axis], centres[axis], decays].map(
      (own) => own?.[channel] ?? 0,
    );
    const phase = axis === 1 ? (phases[channel] as number) : 0;
    for (let k = 0; k < at.length; k++) {
      const coordinate = at[k] as number;
      const angle = (frequency as number) * coordinate + phase;
      const size = decay === 0 ? 1 : Math.exp(-(decay as number) * (coordinate - (centre as number)) ** 2);
      visit(k, channel, size * Math.sin(angle), size * Math.cos(angle));
    }
  }
}

/** What the bank's functions of one axis do not exceed on any stretch of this half length; nothing if they are too rough. */
export function spectrumOf({ frequencies, decays }: Bank, axis: Axis, half: number): Spectrum | undefined {
  const highest = half * Math.max(...(frequencies[axis] ?? []).map(Math.abs));
  const waves = spectrum(
    STEPS.map((step) => (t) => Math.sin(highest * step * t) + Math.cos(highest * step * t)),
  );
  const [narrowest, widest] = [half ** 2 * Math.max(...decays), Math.min(...decays)];
  if (narrowest === 0 && widest === 0) return waves;
  const bells = spectrum(CENTRES.map((centre) => (t) => Math.exp(-narrowest * (t - centre) ** 2)));
  // One that grows has no bound that holds everywhere.
  return widest < 0 ? undefined : waves && bells && product(waves, bells);
}

/** Shares of the highest frequency, and centres of the narrowest Gaussian in half lengths, which stand for all others. */
const STEPS = Array.from({ length: 16 }, (_, k) => (k + 1) / 16);
const CENTRES = Array.from({ length: 17 }, (_, k) => k / 4 - 2);
