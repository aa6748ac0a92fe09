/** Compares the neural picture with nothing, the original, or a codec's file of the same size. */
import type { Subnet } from '../neural-img/src/manifest.ts';
import { CODEC_NAMES, CODECS, type Codec, type Encoded } from './codecs.ts';
import { formatBytes, formatQuality, formatRate } from './format.ts';
import { shownByBrowser } from './jpeg_xl.ts';
import { RIVALS, type Rival } from './link.ts';
import { create, find } from './page.ts';
import type { Picture } from './picture.ts';
import { ranking, verdict } from './verdict.ts';
import type { Size } from './view.ts';

const NAMES: Record<Rival, string> = { nothing: 'Nothing', original: 'Original', ...CODEC_NAMES };

export class Comparison {
  readonly #right = find('right', HTMLElement);
  readonly #stage = find('stage', HTMLElement);
  readonly #other = find('other', HTMLImageElement);
  readonly #original = new Image();
  readonly #maps = ['left-map', 'right-map'].map((id) => find(id, HTMLCanvasElement));
  readonly #differenceButton = find('difference', HTMLButtonElement);
  readonly #crispButton = find('crisp', HTMLButtonElement);
  readonly #urls = new ImageUrls();
  #rival: Rival = 'nothing';
  #difference = false;
  #turn = 0;
  #shown: { picture: Picture; subnet: Subnet } | undefined;

  /** Calls `onDifference` when the difference view is switched on or off, and `onChange` after any choice. */
  constructor(
    private readonly onChange: () => void,
    private readonly onDifference: (on: boolean) => void,
    private readonly onError: (error: unknown) => void,
  ) {
    find('rivals', HTMLElement).addEventListener('change', ({ target }) => {
      this.rival = (target as HTMLInputElement).value as Rival;
    });
    this.#differenceButton.addEventListener('click', () => {
      this.difference = !this.#difference;
    });
    this.#crispButton.addEventListener('click', () => {
      const isCrisp = this.#stage.classList.toggle('crisp');
      this.#crispButton.ariaPressed = String(isCrisp);
    });
    find('rivals', HTMLElement).append(...RIVALS.map(choiceOf));
  }

  get rival(): Rival {
    return this.#rival;
  }

  set rival(rival: Rival) {
    this.#rival = rival;
    this.#update();
  }

  /** Whether both sides show their difference from the original instead of themselves. */
  get difference(): boolean {
    return this.#difference;
  }

  set difference(on: boolean) {
    if (on !== this.#difference) this.onDifference(on);
    this.#difference = on;
    this.#update();
  }

  /** The name of the chosen codec and its files for all subnets; both are empty if no codec is chosen. */
  get curve(): { name: string; encoded: Encoded[] } {
    const codec = CODECS.find((name) => name === this.#rival);
    const twins = [...(this.#shown?.picture.twins.values() ?? [])];
    return codec
      ? { name: NAMES[codec], encoded: twins.map((row) => row[codec]) }
      : { name: '', encoded: [] };
  }

  show(picture: Picture, subnet: Subnet): void {
    if (picture !== this.#shown?.picture) this.#urls.forget();
    this.#shown = { picture, subnet };
    this.#update();
  }

  /** Draws each side's difference from the original at native size; to be called whenever a side has been drawn or loaded. */
  drawn(): void {
    if (!this.#difference || !this.#shown) return;
    const { width, height } = this.#shown.picture;
    const neural = find('neural', HTMLElement).querySelector<HTMLCanvasElement>('#finest');
    for (const [k, side] of [neural, this.#other].entries())
      if (side && this.#maps[k]) drawDifference(this.#maps[k], side, this.#original, { width, height });
  }

  #update(): void {
    if (!this.#shown) return;
    const { picture, subnet } = this.#shown;
    const twins = picture.twins.get(subnet.name);
    for (const input of document.querySelectorAll<HTMLInputElement>('#rivals input')) {
      const codec = CODECS.find((name) => name === input.value);
      input.disabled = codec ? !twins : input.value === 'original' && !picture.source;
      input.checked = input.value === this.#rival && !input.disabled;
      const figure = input.parentElement?.querySelector('small');
      if (figure) figure.textContent = codec && twins ? formatQuality(twins[codec].psnr) : '';
    }
    this.#differenceButton.disabled = !picture.source;
    this.#differenceButton.ariaPressed = String(this.#difference);
    this.#stage.classList.toggle('difference', this.#difference && picture.source !== undefined);
    this.#write(picture, subnet, twins);
    this.#load(picture, twins).catch(this.onError);
    this.onChange();
  }

  /** Writes the facts about both sides, and which one is closer to the original. */
  #write({ source }: Picture, subnet: Subnet, twins: Record<Codec, Encoded> | undefined): void {
    const codec = CODECS.find((name) => name === this.#rival);
    const encoded = codec && twins?.[codec];
    const name = encoded || (this.#rival === 'original' && source) ? NAMES[this.#rival] : '';
    const pixels = (subnet.bytes * 8) / subnet.bpp;
    const texts = {
      'left-name': titleOf('Neural', subnet.psnr),
      'left-facts': factsOf(subnet.bytes, subnet.bpp),
      'right-name': titleOf(name, encoded?.psnr),
      'right-facts': encoded ? factsOf(encoded.bytes, (encoded.bytes * 8) / pixels) : '',
      'right-chip': name,
      verdict: encoded ? verdict(subnet, name, encoded) : this.#summary(source, subnet, twins),
    };
    for (const [id, text] of Object.entries(texts)) find(id, HTMLElement).textContent = text;
  }

  #summary(source: string | undefined, subnet: Subnet, twins: Record<Codec, Encoded> | undefined): string {
    if (twins) return ranking(subnet, twins);
    if (this.#rival === 'nothing' || (this.#rival === 'original' && source)) return '';
    return source
      ? `There is no ${NAMES[this.#rival]} of these sizes beside the networks; compare with the original.`
      : 'The original is not at hand, so there is nothing to compare with.';
  }

  /** Loads only what is on screen, as originals are large. */
  async #load(picture: Picture, twins: Record<Codec, Encoded> | undefined): Promise<void> {
    const codec = CODECS.find((name) => name === this.#rival);
    const file = this.#rival === 'original' ? picture.source : codec && twins?.[codec].file;
    this.#stage.classList.toggle('alone', !file);
    this.#right.setAttribute('aria-hidden', String(!file));
    this.#other.alt = file ? `${picture.title}, ${NAMES[this.#rival]}` : '';
    this.#crispButton.disabled = !file;
    const original = this.#difference ? picture.source : undefined;
    const turn = ++this.#turn;
    this.#right.ariaBusy = 'true';
    const orElse = (undo: () => void) => (error: unknown) => {
      if (turn === this.#turn) undo();
      throw error;
    };
    // Without the undoing an earlier file would stay under the name of this one.
    const withoutRival = orElse(() => {
      this.rival = 'nothing';
    });
    const withoutDifference = orElse(() => {
      this.difference = false;
    });
    try {
      await Promise.all([
        this.#urls.show(picture, file, this.#other).catch(withoutRival),
        this.#urls.show(picture, original, this.#original).catch(withoutDifference),
      ]);
      this.drawn();
    } finally {
      if (turn === this.#turn) this.#right.ariaBusy = 'false';
    }
  }
}

/** Draws the absolute difference between `side` and the original; nothing unless both have the given size. */
function drawDifference(
  map: HTMLCanvasElement,
  side: HTMLCanvasElement | HTMLImageElement,
  original: HTMLImageElement,
  size: Size,
): void {
  Object.assign(map, size);
  const widths = [side, original].map((one) => ('naturalWidth' in one ? one.naturalWidth : one.width));
  const context = map.getContext('2d');
  if (!context || widths.some((width) => width !== size.width)) return;
  context.drawImage(side, 0, 0);
  context.globalCompositeOperation = 'difference';
  context.drawImage(original, 0, 0);
}

/** Object URLs for the files of one picture. */
class ImageUrls {
  #urls = new Map<string, Promise<string>>();
  #wanted = new Map<HTMLImageElement, Promise<string>>();

  /** Shows `file` in `image` once it is loaded, unless another file has been requested meanwhile. */
  async show({ folder }: Picture, file: string | undefined, image: HTMLImageElement): Promise<void> {
    this.#wanted.delete(image);
    if (!file) return image.removeAttribute('src');
    const url = this.#urls.get(file) ?? urlOf(folder, file);
    this.#urls.set(file, url);
    this.#wanted.set(image, url);
    url.catch(() => this.#urls.delete(file));
    const src = await url;
    if (this.#wanted.get(image) !== url || image.src === src) return;
    image.src = src;
    await image.decode().catch(() => {
      if (this.#wanted.get(image) === url) throw new Error(`This browser cannot show ${file}.`);
    });
  }

  forget(): void {
    for (const url of this.#urls.values()) url.then(URL.revokeObjectURL, () => {});
    this.#urls.clear();
  }
}

async function urlOf(folder: Picture['folder'], file: string): Promise<string> {
  const blob = await folder.read(file);
  return URL.createObjectURL(file.endsWith('.jxl') ? await shownByBrowser(blob) : blob);
}

function choiceOf(rival: Rival): HTMLElement {
  const input = create('input', { type: 'radio', name: 'rival', value: rival });
  const figure = CODECS.some((codec) => codec === rival) ? [' ', create('small')] : [];
  return create('label', {}, input, create('span', {}, NAMES[rival], ...figure));
}

const titleOf = (name: string, psnr: number | undefined) => (psnr ? `${name} ${formatQuality(psnr)}` : name);
const factsOf = (bytes: number, bpp: number) => `${formatBytes(bytes)} · ${formatRate(bpp)}`;
