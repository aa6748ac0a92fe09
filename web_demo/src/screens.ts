/** The row of screens, each of which shows the picture from as many bytes of the same file as it needs. */
import type { Decoder, NeuralImage } from '../neural-img/src/index.ts';
import { CODEC_NAMES, CODECS } from './codecs.ts';
import { formatBytes, formatSize } from './format.ts';
import { paint } from './neural_layer.ts';
import { create, find } from './page.ts';
import type { Picture } from './picture.ts';
import { type ScreenChoice, screenChoices, sumOfCopies } from './screen_choice.ts';
import { wholeRegion } from './view.ts';

/** Longest side of a canvas in the row, in pixels. */
const LONGEST = 640;

export class Screens {
  readonly #section = find('screens', HTMLElement);
  readonly #row = find('screen-row', HTMLElement);
  readonly #sum = find('screen-sum', HTMLElement);
  #picture: Picture | undefined;
  #isInView = false;
  #turn = new AbortController();

  /** Draws once the row is in view; nothing is fetched for it before. */
  constructor(
    private readonly decoder: Decoder,
    private readonly onError: (error: unknown) => void,
  ) {
    new IntersectionObserver((entries) => {
      this.#isInView = entries.some(({ isIntersecting }) => isIntersecting);
      this.#draw();
    }).observe(this.#row);
  }

  /** Shows the picture if it has an `.anir` file that is long enough for any screen, else hides the row. */
  show(picture: Picture): void {
    if (picture === this.#picture) return;
    this.#turn.abort();
    this.#picture = picture;
    this.#section.hidden = !picture.stream || screenChoices(picture).length === 0;
    delete this.#row.dataset.drawn;
    this.#draw();
  }

  #draw(): void {
    const picture = this.#picture;
    if (!picture?.stream || !this.#isInView || this.#row.dataset.drawn) return;
    this.#row.dataset.drawn = 'false';
    this.#turn = new AbortController();
    const { signal } = this.#turn;
    this.#fill(picture, signal).catch((error) => {
      delete this.#row.dataset.drawn;
      if (!signal.aborted) this.onError(error);
    });
  }

  async #fill(picture: Picture, signal: AbortSignal): Promise<void> {
    const choices = screenChoices(picture);
    const whole = Math.max(...picture.subnets.map(({ bytes }) => bytes));
    const cards = choices.map((choice) => cardOf(choice, whole));
    this.#row.replaceChildren(...cards.map(({ card }) => card));
    this.#sum.textContent = summary(choices, whole);
    for (const [k, image] of (await imagesOf(picture, choices, this.decoder)).entries()) {
      signal.throwIfAborted();
      const [choice, card] = [choices[k], cards[k]];
      if (choice && card) await drawScreen(card.canvas, image, choice, signal);
    }
    this.#row.dataset.drawn = 'true';
  }
}

/** Decodes the pictures of all screens in one pass over the file. */
async function imagesOf(
  { stream, subnets }: Picture,
  choices: readonly ScreenChoice[],
  decoder: Decoder,
): Promise<NeuralImage[]> {
  const images: NeuralImage[] = [];
  // One request for all screens, as each needs more bytes than the one before.
  stream?.want(Math.max(...choices.map(({ subnet }) => subnet.bytes)));
  const anir = decoder.stream();
  try {
    for (const { subnet } of choices) {
      for await (const size of stream?.until(subnet.bytes) ?? [])
        await anir.feed(stream?.prefix(size).subarray(anir.bytes) ?? new Uint8Array());
      images.push(await anir.image(subnets.findIndex(({ name }) => name === subnet.name)));
    }
  } finally {
    anir.close();
  }
  return images;
}

/** Draws at native size at least, as sparser samples of pure networks would alias; the canvas averages them when it scales down. */
async function drawScreen(
  canvas: HTMLCanvasElement,
  image: NeuralImage,
  { width, height }: ScreenChoice,
  signal: AbortSignal,
): Promise<void> {
  const { info } = image;
  const shrink = Math.min(1, LONGEST / Math.max(width, height));
  const size = { width: Math.round(width * shrink), height: Math.round(height * shrink) };
  const fine = { width: Math.max(size.width, info.width), height: Math.max(size.height, info.height) };
  const drawn = document.createElement('canvas');
  await paint(drawn, image, wholeRegion(info, fine), signal, () => {});
  Object.assign(canvas, size);
  const context = canvas.getContext('2d');
  if (!context) return;
  context.imageSmoothingQuality = 'high';
  context.drawImage(drawn, 0, 0, size.width, size.height);
}

function cardOf(choice: ScreenChoice, whole: number): { card: HTMLElement; canvas: HTMLCanvasElement } {
  const { name, subnet, copies } = choice;
  const canvas = create('canvas', { width: choice.width, height: choice.height });
  canvas.setAttribute('role', 'img');
  canvas.ariaLabel = `The picture on a ${name.toLowerCase()}, from ${formatBytes(subnet.bytes)}`;
  const share = create('i');
  share.style.width = `${(100 * subnet.bytes) / whole}%`;
  const costs = CODECS.flatMap((codec) => {
    const bytes = copies[codec];
    return bytes === undefined
      ? []
      : [create('span', {}, `${CODEC_NAMES[codec]} ${formatBytes(bytes)}`), ' '];
  });
  const frame = create('div', { className: `device-frame ${name.toLowerCase()}` }, canvas);
  const text = create(
    'div',
    { className: 'screen-facts' },
    create('h3', {}, name, ' ', create('small', {}, formatSize(choice))),
    create('p', {}, create('b', {}, formatBytes(subnet.bytes)), ' of the file'),
    create('div', { className: 'share' }, share),
    ...(costs.length > 0 ? [create('p', { className: 'copies' }, 'A copy as good: ', ...costs)] : []),
  );
  return { card: create('li', {}, frame, text), canvas };
}

function summary(choices: readonly ScreenChoice[], whole: number): string {
  const sums = sumOfCopies(choices);
  if (sums.length === 0) return '';
  const list = new Intl.ListFormat('en-GB').format(
    sums.map(([codec, bytes]) => `${formatBytes(bytes)} as ${CODEC_NAMES[codec]}`),
  );
  return `One file of ${formatBytes(whole)} serves all of them. A copy for each, as srcset needs them, comes to ${list}. ${smallerCopies(choices)}`;
}

/** Names the screens for which a separate copy would be smaller than their part of the file. */
function smallerCopies(choices: readonly ScreenChoice[]): string {
  const names = choices
    .filter(({ copies, subnet }) => Math.min(...Object.values(copies)) < subnet.bytes)
    .map(({ name }) => name.toLowerCase());
  if (names.length === 0) return '';
  return `For the ${new Intl.ListFormat('en-GB').format(names)} alone, the best copy would be smaller.`;
}
