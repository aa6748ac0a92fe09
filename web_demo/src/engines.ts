/** The choice of an engine: the package's own decoder or ONNX Runtime Web, which is fetched when it is first chosen. */
import { axis, Decoder, type NeuralImage } from '../neural-img/src/index.ts';
import { onnxRuntime } from '../neural-img/src/onnx/index.ts';
import { formatBytes, formatDuration } from './format.ts';
import type { Pass } from './neural_layer.ts';
import { create, find } from './page.ts';

const ENGINES = ['light', 'onnx'] as const;
export type EngineName = (typeof ENGINES)[number];
/** Download size of each engine, defined by the build (vite.config.ts). */
declare const __ENGINE_BYTES__: Record<EngineName, number>;

const TITLES = { light: 'Light', onnx: 'ONNX Runtime Web' };

export class Engines {
  #chosen: EngineName = 'light';
  readonly #decoders = new Map<EngineName, Decoder>();
  readonly #comparison = find('engines-compared', HTMLElement);

  /** Calls `onChoice` when the visitor chooses another engine. */
  constructor(onChoice: () => void) {
    for (const name of ENGINES) {
      const radio = create('input', {
        type: 'radio',
        name: 'engine',
        value: name,
        checked: name === this.#chosen,
      });
      radio.addEventListener('change', () => {
        this.#chosen = name;
        onChoice();
      });
      const facts = create('span', { id: `engine-${name}` }, formatBytes(__ENGINE_BYTES__[name]));
      find('engines', HTMLElement).append(create('label', {}, radio, TITLES[name]), facts);
    }
  }

  /** The decoder with the chosen engine. */
  get decoder(): Decoder {
    return this.#decoderOf(this.#chosen);
  }

  /** Shows how long the chosen engine took. */
  show({ milliseconds }: Pass): void {
    const bytes = formatBytes(__ENGINE_BYTES__[this.#chosen]);
    find(`engine-${this.#chosen}`, HTMLElement).textContent = `${bytes}, ${formatDuration(milliseconds)}`;
  }

  /** The decoder with the package's own engine, the only one that reads `.anir` files. */
  get light(): Decoder {
    return this.#decoderOf('light');
  }

  /** Enables or disables the choice of ONNX Runtime, which does not read `.anir` files. Returns whether the choice has changed. */
  offer(isOnnx: boolean): boolean {
    const before = this.#chosen;
    find('compare-engines', HTMLButtonElement).disabled = !isOnnx;
    for (const radio of find('engines', HTMLElement).querySelectorAll('input')) {
      const isLight = radio.value === 'light';
      radio.disabled = !isOnnx && !isLight;
      if (!isOnnx && isLight) {
        radio.checked = true;
        this.#chosen = 'light';
      }
    }
    this.#comparison.textContent = isOnnx ? '' : 'An .anir file is read by the light decoder alone.';
    return this.#chosen !== before;
  }

  /** Draws the file with both engines at native size, and shows how much the results differ. */
  async compare(file: Uint8Array): Promise<void> {
    this.#comparison.textContent = 'Drawing with both…';
    try {
      const [light, onnx] = [await this.#draw('light', file), await this.#draw('onnx', file)];
      this.#comparison.textContent = describeDifference(light, onnx);
    } catch (error) {
      this.#comparison.textContent = '';
      throw error;
    }
  }

  #decoderOf(name: EngineName): Decoder {
    const engine = name === 'onnx' ? { engine: onnxRuntime(new URL('ort/', document.baseURI)) } : {};
    const decoder = this.#decoders.get(name) ?? new Decoder(engine);
    this.#decoders.set(name, decoder);
    return decoder;
  }

  async #draw(name: EngineName, file: Uint8Array): Promise<Uint8Array> {
    return wholeOf(await this.#decoderOf(name).open(file));
  }
}

async function wholeOf(image: NeuralImage): Promise<Uint8Array> {
  const { width, height } = image.info;
  const pixels = new Uint8Array(width * height * 4);
  for await (const tile of image.decode({ x: axis(width), y: axis(height) }))
    pixels.set(tile.pixels, tile.firstRow * width * 4);
  return pixels;
}

export function describeDifference(a: Uint8Array, b: Uint8Array): string {
  let [largest, count] = [0, 0];
  a.forEach((value, k) => {
    const step = Math.abs(value - (b[k] ?? 0));
    largest = Math.max(largest, step);
    count += Number(step > 0);
  });
  if (count === 0) return 'Both draw the same pixels.';
  // Counted per colour value, as alpha, which most pictures do not have, is the same in both.
  const share = ((count / a.length) * 4) / 3;
  const levels = largest === 1 ? 'by 1 level of 255' : `by up to ${largest} levels of 255`;
  return `${(share * 100).toPrecision(2)} % of the values differ, ${levels}.`;
}
