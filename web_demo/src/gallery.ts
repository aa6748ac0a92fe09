/** The site's pictures to choose from, each with a thumbnail that is a neural picture, too. */
import type { Decoder, NeuralImage } from '../neural-img/src/index.ts';
import { paint } from './neural_layer.ts';
import { create, find } from './page.ts';
import type { Picture } from './picture.ts';
import type { Sample } from './samples.ts';
import type { Region } from './view.ts';

/** Small enough to be a single tile of the decoder, so that a thumbnail never delays the picture. */
const THUMBNAIL = { width: 108, height: 72 };
/** Bytes of an `.anir` file that are enough for a thumbnail. */
const ENOUGH = 3000;

export class Gallery {
  readonly #list = find('thumbs', HTMLElement);
  readonly #canvases = new Map<Sample, HTMLCanvasElement>();

  constructor(
    private readonly samples: readonly Sample[],
    onPick: (sample: Sample) => void,
  ) {
    find('samples', HTMLElement).hidden = samples.length === 0;
    for (const sample of samples) {
      const canvas = create('canvas', THUMBNAIL);
      const radio = create('input', { type: 'radio', name: 'sample', value: sample.id });
      radio.addEventListener('change', () => onPick(sample));
      this.#canvases.set(sample, canvas);
      this.#list.append(create('label', {}, radio, canvas, sample.title));
    }
  }

  /** Marks the picture that is shown, or none. */
  mark(id: string | undefined): void {
    for (const radio of this.#list.querySelectorAll('input')) radio.checked = radio.value === id;
  }

  /** Draws the thumbnails one after the other. The tooltip of one that cannot be drawn says why. */
  async draw(decoder: Decoder): Promise<void> {
    for (const sample of this.samples) {
      await this.#drawOne(sample, decoder).catch((error) => {
        const canvas = this.#canvases.get(sample);
        if (canvas) canvas.title = String(error.message);
      });
    }
    this.#list.ariaBusy = 'false';
  }

  async #drawOne(sample: Sample, decoder: Decoder): Promise<void> {
    const canvas = this.#canvases.get(sample);
    if (!canvas) return;
    const picture = await sample.load();
    const image = await smallImage(picture, decoder);
    await paint(canvas, image, middleOf(picture), new AbortController().signal, () => {});
  }
}

/** Opens a picture from few of its bytes. */
async function smallImage({ stream, subnets, folder }: Picture, decoder: Decoder): Promise<NeuralImage> {
  const sorted = [...subnets].sort((a, b) => a.bytes - b.bytes);
  if (!stream) {
    const file = await folder.read(sorted[0]?.file ?? '');
    return decoder.open(new Uint8Array(await file.arrayBuffer()));
  }
  const end = sorted.find(({ bytes }) => bytes > ENOUGH)?.bytes ?? ENOUGH;
  for await (const size of stream.until(end)) if (size === end) break;
  return decoder.open(stream.prefix(end).slice());
}

/** The largest part around the picture's centre that has a thumbnail's aspect ratio. */
function middleOf({ width, height }: Picture): Region {
  const scale = Math.min(width / THUMBNAIL.width, height / THUMBNAIL.height);
  const part = (side: number, size: number) => ({ start: (side - size * scale) / 2, count: size * scale });
  return { columns: part(width, THUMBNAIL.width), rows: part(height, THUMBNAIL.height), size: THUMBNAIL };
}
