/**
 * Filters sin(ωx·x + ωy·y + φ) on a grid, which are Gabor's with a Gaussian around a centre.
 *
 * sin(a + b) = sin a · cos b + cos a · sin b, and a Gaussian is a product of one of x and one of y: each column and row has
 * its own sines and cosines, and no point needs more than their products.
 */
import { product, type Spectrum, spectrum } from '../chebyshev.ts';
import type { Kernel } from '../kernel.ts';
import { channelsOf, type Network, valuesOf } from '../network.ts';

/** One filter for each channel; pairs are of x and y. */
export interface Bank {
  frequencies: [Float32Array, Float32Array];
  phases: Float32Array;
  gaussians?: { centres: [Float32Array, Float32Array]; decays: Float32Array };
}

/** An axis: 0 for x, 1 for y. */
export type Axis = 0 | 1;

export function banksOf(network: Network): Bank[] {
  const [channels, phases] = [channelsOf(network), valuesOf(network, 'phases')];
  const [count, isGabor] = [phases.length / channels, network.family === 'gabor'];
  const of = (values: Float32Array, row: number) => values.subarray(row * channels, (row + 1) * channels);
  const [frequencies, centres, decays] = ['frequencies', 'centres', 'decays'].map((name) =>
    valuesOf(network, name),
  ) as [Float32Array, Float32Array, Float32Array];
  return Array.from({ length: count }, (_, bank) => ({
    frequencies: [of(frequencies, bank), of(frequencies, count + bank)],
    phases: of(phases, bank),
    ...(isGabor && {
      gaussians: { centres: [of(centres, bank), of(centres, count + bank)], decays: of(decays, bank) },
    }),
  }));
}

/** The address of [coordinate / 8][channel][sine × 8, cosine × 8], with a Gaussian's share: of eight points side by side. */
export function laneTable(
  kernel: Kernel,
  bank: Bank,
  axis: Axis,
  at: Float32Array,
  channels: number,
): number {
  const floats = Math.ceil(at.length / 8) * channels * 16;
  const table = kernel.take(floats);
  const data = kernel.floats(table, floats).fill(0);
  eachWave(bank, axis, at, (coordinate, channel, sine, cosine) => {
    const to = ((coordinate >> 3) * channels + channel) * 16 + (coordinate & 7);
    data[to] = sine;
    data[to + 8] = cosine;
  });
  return table;
}

/** The address of [coordinate][channel][cosine, sine], with a Gaussian's share: of what such points have in common. */
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

/** Visits each wave at each coordinate; phases belong to y. */
function eachWave(
  { frequencies, phases, gaussians }: Bank,
  axis: Axis,
  at: Float32Array,
  visit: (coordinate: number, channel: number, sine: number, cosine: number) => void,
): void {
  for (let channel = 0; channel < phases.length; channel++) {
    const frequency = frequencies[axis][channel] as number;
    const phase = axis === 1 ? (phases[channel] as number) : 0;
    const centre = gaussians?.centres[axis][channel] ?? 0;
    const decay = gaussians?.decays[channel] ?? 0;
    for (let k = 0; k < at.length; k++) {
      const coordinate = at[k] as number;
      const angle = frequency * coordinate + phase;
      const size = decay === 0 ? 1 : Math.exp(-decay * (coordinate - centre) ** 2);
      visit(k, channel, size * Math.sin(angle), size * Math.cos(angle));
    }
  }
}

/** What the bank's functions of one axis do not exceed on any stretch of this half length; nothing if they are too rough. */
export function spectrumOf({ frequencies, gaussians }: Bank, axis: Axis, half: number): Spectrum | undefined {
  const highest = half * frequencies[axis].reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  const waves = spectrum(
    STEPS.map((step) => (t) => Math.sin(highest * step * t) + Math.cos(highest * step * t)),
  );
  if (!gaussians) return waves;
  const [decay, least] = [half ** 2 * Math.max(...gaussians.decays), Math.min(...gaussians.decays)];
  // One that grows has no bound that holds everywhere.
  if (least < 0) return;
  const bells = spectrum(CENTRES.map((centre) => (t) => Math.exp(-decay * (t - centre) ** 2)));
  return waves && bells && product(waves, bells);
}

/** Shares of the highest frequency, and centres of the narrowest Gaussian in half lengths, which stand for all others. */
const STEPS = Array.from({ length: 16 }, (_, k) => (k + 1) / 16);
const CENTRES = Array.from({ length: 17 }, (_, k) => k / 4 - 2);
