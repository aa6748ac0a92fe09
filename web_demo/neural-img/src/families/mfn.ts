/**
 * Multiplicative filter networks (Fathony et al. 2020): h₁ = g₁, hₗ₊₁ = (hₗ Wₗ + bₗ) ∘ gₗ₊₁, of Fourier filters
 * g = sin(ωx·x + ωy·y + φ), or of Gabor's, which have a Gaussian besides.
 */
import type { Draw, Kernel } from '../kernel.ts';
import type { Network } from '../network.ts';
import { AFFINE, type Family, MATRICES, sineFilters } from './family.ts';
import { openFilterNetwork } from './filter_network.ts';
import { headOf, hiddenLayers } from './layers.ts';
import { banksOf } from './waves.ts';

function open(kernel: Kernel, network: Network): Draw {
  const layers = [...hiddenLayers(kernel, network, 1), headOf(kernel, network)];
  const finish = (z: number, panels: number, out: number) => kernel.run.pixels(z, out, panels);
  return openFilterNetwork(kernel, { banks: banksOf(network), layers, finish });
}

export const FOURIER: Family = { fields: { ...MATRICES, ...AFFINE, ...sineFilters('D') }, open };

const GAUSSIANS: Family['fields'] = {
  centres: { types: ['int8'], shape: [2, 'D', 'C'], scaled: 2 },
  decays: { types: ['int8'], shape: ['D', 'C'], scaled: 1 },
};

export const GABOR: Family = { fields: { ...FOURIER.fields, ...GAUSSIANS }, open };
