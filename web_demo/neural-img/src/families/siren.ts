/** SIREN (Sitzmann et al. 2020): h₁ = sin(ωx·x + ωy·y + φ), hₗ₊₁ = sin(hₗ Wₗ + bₗ). */
import { type Draw, type Kernel, ZEROS } from '../kernel.ts';
import type { Network } from '../network.ts';
import { type Family, MATRICES } from './family.ts';
import { openFilterNetwork, TILE } from './filter_network.ts';
import { banksOf } from './filters.ts';
import { apply, headOf, hiddenLayers, type Layer } from './layers.ts';

function open(kernel: Kernel, network: Network): Draw {
  // The kernel's sines take half turns, so arguments are divided by π.
  const [first, ...deeper] = hiddenLayers(kernel, network, 1 / Math.PI);
  const others = [...deeper, headOf(kernel, network)];
  const channels = others[0]?.weights.columns ?? 0;
  // The head writes four colours, even if there is a single channel.
  const buffer = kernel.take(TILE * Math.max(channels, 4) * 8);

  function finish(z: number, panels: number, out: number): void {
    let [from, to] = [z, buffer];
    for (const layer of others) {
      kernel.run.sines(from, panels * channels, 1, 0, ZEROS, 0);
      apply(kernel, layer, from, to, panels);
      [from, to] = [to, from];
    }
    kernel.run.pixels(from, out, panels);
  }

  return openFilterNetwork(kernel, { banks: banksOf(network), layers: [first as Layer], finish });
}

const SINES: Family['fields'] = {
  steps: { types: ['int8'], shape: ['L', 'C'], scaled: 1 },
  biases: { types: ['int8'], shape: ['L', 'C'], scaled: 1 },
  frequencies: { types: ['int16'], shape: [2, 1, 'C'], scaled: 2 },
  phases: { types: ['int8'], shape: [1, 'C'], scaled: 1 },
};

export const SIREN: Family = { fields: { ...MATRICES, ...SINES }, open };
