/**
 * Multiplicative filter networks (Fathony et al. 2020): h₁ = g₁, hₗ₊₁ = (hₗ Wₗ) ∘ gₗ₊₁, with Fourier filters g = sin(ωx·x + ωy·y + φ)
 * or Gabor filters, which also have a Gaussian envelope. Colours are a linear head of the normalized last channels,
 * h / √(1 + Σ h²) with the sum over the first eight.
 */
import type { Draw, Kernel } from '../kernel.ts';
import { channelsOf, type Network } from '../network.ts';
import { type Family, LEAN_MATRICES } from './family.ts';
import { openFilterNetwork } from './filter_network.ts';
import { banksOf } from './filters.ts';
import { headNumbers, headOf, hiddenLayers, makeLayer } from './layers.ts';

/** First outputs of the last layer: red, green, blue and alpha, before normalization. */
const COLOURS = 4;
/** Further outputs: the channels whose squares are summed. */
const NORM_CHANNELS = 8;

function open(kernel: Kernel, network: Network): Draw {
  const head = headNumbers(network);
  // Dividend and divisor are separate outputs, as both are smooth, which their quotient need not be.
  const weight = (output: number, input: number) =>
    output < COLOURS ? head.weight(output, input) : Number(output - COLOURS === input);
  const numbers = { weight, bias: () => 0 };
  const last = makeLayer(kernel, COLOURS + NORM_CHANNELS, channelsOf(network), 1, numbers);
  const { bias } = headOf(kernel, network);

  function finish(z: number, panels: number, out: number): void {
    kernel.run.normalize(z, bias, panels);
    kernel.run.pixels(z, out, panels);
  }

  const layers = [...hiddenLayers(kernel, network, 1), last];
  return openFilterNetwork(kernel, { banks: banksOf(network), layers, finish });
}

/** The family whose filters have `values` values each. */
const familyOf = (values: number): Family => ({
  fields: { ...LEAN_MATRICES, filters: { types: ['int8'], shape: [values, 'D', 'C'], scaled: 2 } },
  open,
  isSmooth: true,
});

export const FOURIER = familyOf(3);

export const GABOR = familyOf(6);
