/**
 * Filters sin(ωx·x + ωy·y + φ) on a grid, which in Gabor networks are multiplied by a Gaussian envelope.
 *
 * As sin(a + b) = sin a · cos b + cos a · sin b, and a Gaussian is a product of one in x and one in y, sines and cosines are computed
 * once per column and row, and points need only products of these.
 */
import { nodesNeeded } from '../chebyshev.ts';
import type { Kernel } from '../kernel.ts';
import { channelsOf, type Network, valuesOf } from '../network.ts';

/** A filter for each channel. */
export interface Bank {
  /** ωx and ωy. */
  frequencies: Float32Array[];
  phases: Float32Array;
  /** μx and μy. */
  centres: Float32Array[];
  /** γ, 0 where there is no Gaussian. */
  decays: Float32Array;
}

/** An axis: 0 for x, 1 for y. */
export type Axis = 0 | 1;

/** A network's filter banks, either from `filters`, which are signed square roots, or from `frequencies` and `phases`. */
export function banksOf(network: Network): Bank[] {
  const channels = channelsOf(network);
  const banks = network.tensors.filters?.shape[1] ?? 1;
  const values = network.tensors.filters
    ? valuesOf(network, 'filters').map((root) => root * Math.abs(root))
    : Float32Array.of(...valuesOf(network, 'frequencies'), ...valuesOf(network, 'phases'));
  const row = (value: number, bank: number) => {
    const at = (value * banks + bank) * channels;
    return at < values.length ? values.subarray(at, at + channels) : new Float32Array(channels);
  };
  return Array.from({ length: banks }, (_, bank) => ({
    frequencies: [row(0, bank), row(1, bank)],
    phases: row(2, bank),
    centres: [row(3, bank), row(4, bank)],
    decays: row(5, bank),
  }));
}

/**
 * Computes each wave's sine and cosine, times its Gaussian, at coordinates along one axis; phases are added along y. Returns the
 * address of the table, [coordinate / side][channel][sine × side, cosine × side].
 */
export function waveTable(
  kernel: Kernel,
  { frequencies, phases, centres, decays }: Bank,
  axis: Axis,
  at: Float32Array,
  side: 1 | 8,
): number {
  const channels = phases.length;
  const data = new Float32Array(Math.ceil(at.length / side) * channels * side * 2);
  for (let channel = 0; channel < channels; channel++) {
    const [frequency, centre, decay, phase] = [frequencies[axis], centres[axis], decays, phases].map(
      (own) => own?.[channel] ?? 0,
    ) as [number, number, number, number];
    at.forEach((coordinate, k) => {
      const angle = frequency * coordinate + (axis === 1 ? phase : 0);
      const size = decay === 0 ? 1 : Math.exp(-decay * (coordinate - centre) ** 2);
      const to = (Math.floor(k / side) * channels + channel) * side * 2 + (k % side);
      data[to] = size * Math.sin(angle);
      data[to + side] = size * Math.cos(angle);
    });
  }
  return kernel.put(data);
}

/**
 * Number of nodes needed to interpolate products of one filter from each bank, times `size`, on a stretch of this half length; infinite
 * if the products vary too fast, or if a Gaussian grows (γ < 0).
 */
export function nodesFor(banks: Bank[], axis: Axis, half: number, size: number): number {
  const sum = (values: (bank: Bank) => Float32Array) =>
    banks.reduce((all, bank) => all + Math.max(...values(bank)), 0);
  if (!banks.every(({ decays }) => decays.every((decay) => decay >= 0))) return Number.POSITIVE_INFINITY;
  // Where waves are multiplied their frequencies add up, where Gaussians are multiplied their decays.
  const highest = half * sum(({ frequencies }) => (frequencies[axis] as Float32Array).map(Math.abs));
  const narrowest = half ** 2 * sum(({ decays }) => decays);
  const products = (narrowest > 0 ? CENTRES : [0]).flatMap((centre) => {
    const bell = (t: number) => Math.exp(-narrowest * (t - centre) ** 2);
    return [Math.sin, Math.cos].map((wave) => (t: number) => bell(t) * wave(highest * t));
  });
  return nodesNeeded(products, size);
}

/** Centres, in half lengths of the stretch, at which the narrowest Gaussian is tried; they stand for all others. */
const CENTRES = [-2, -1, 0, 1, 2];
