/** Loads, decodes and draws the picture on the stage; the latest choice wins. */
import { ModelError, type NeuralImage } from '../neural-img/src/index.ts';
import type { Subnet } from '../neural-img/src/manifest.ts';
import { PREVIEW } from './cut.ts';
import type { Engines } from './engines.ts';
import { formatSize } from './format.ts';
import { drawable, endsEarly, loadFile } from './loading.ts';
import { NeuralLayer, type Pass, paint } from './neural_layer.ts';
import { find } from './page.ts';
import type { Picture } from './picture.ts';
import type { Stage } from './stage.ts';
import { coarser, type View, WHOLE, wholeRegion } from './view.ts';

export interface Shown {
  picture: Picture;
  /** The subnet that is drawn; while a file is still arriving, as it is cut after the bytes that have arrived. */
  subnet: Subnet;
  image: NeuralImage;
  /** The file, if each subnet has its own. */
  file?: Uint8Array;
}

export interface Listener {
  /** Called when a picture, or more of it, has been decoded and is about to be drawn. */
  onShown(shown: Shown): void;
  /** Called when what is in view is drawn completely. */
  onDrawn(shown: Shown, pass: Pass): void;
  /** Called when there is nothing to show. */
  onNothing(): void;
  onError(error: unknown): void;
}

/** Milliseconds without a change of view after which the view is decoded. */
const IDLE = 150;

export class Viewer {
  shown: Shown | undefined;
  /** Whether the whole picture is drawn at native size, whatever is in view. */
  #isNative = false;
  readonly #layer = new NeuralLayer(find('neural', HTMLElement), (share) => this.#progress(share));
  readonly #root = find('stage', HTMLElement);
  readonly #bar = find('progress', HTMLElement);
  /** Aborted when something newer is to be shown. */
  #turn = new AbortController();
  /** Aborted when the view changes while it is being drawn. */
  #drawing = new AbortController();
  /** Whether something that was chosen is still loading. */
  #loading = true;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly engines: Engines,
    private readonly stage: Stage,
    private readonly listener: Listener,
  ) {}

  get busy(): boolean {
    return this.#root.ariaBusy === 'true';
  }

  set native(isNative: boolean) {
    this.#isNative = isNative;
    this.moved();
  }

  /** Loads, decodes and draws a picture. If that fails, what was shown before stays, or else what has arrived. */
  async show(
    load: Promise<Picture> | Picture,
    choose: (picture: Picture) => Subnet | undefined,
    view?: View,
  ) {
    const signal = this.#begin();
    const before = this.shown;
    try {
      const picture = await load;
      signal.throwIfAborted();
      const subnet = choose(picture);
      if (!subnet) throw new ModelError('This picture has no network.');
      await this.#draw(picture, subnet, view, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#loading = false;
      const rest = before ?? this.shown;
      if (rest) this.#present(rest);
      else this.nothing();
      this.moved();
      this.listener.onError(error);
    }
  }

  /** Handles a change of view: existing canvases move along, and are redrawn once the view has come to rest. */
  moved(): void {
    if (!this.shown) return;
    this.#drawing.abort();
    this.#root.ariaBusy = 'true';
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#finish().catch((error) => this.listener.onError(error)), IDLE);
  }

  /** Draws what is shown once more, off screen, to measure the time after the decoder has warmed up. */
  async measure(): Promise<Pass | undefined> {
    const { image, subnet } = this.shown ?? {};
    if (!image || !subnet) return;
    const { signal } = this.#drawing;
    const whole = coarser(wholeRegion(image.info, image.info), Math.max(1, image.info.width / 512));
    return paint(document.createElement('canvas'), image, whole, signal, () => {}).catch(() => undefined);
  }

  nothing(): void {
    this.#root.ariaBusy = 'false';
    this.listener.onNothing();
  }

  async #draw(picture: Picture, subnet: Subnet, view: View | undefined, signal: AbortSignal): Promise<void> {
    let place = view;
    const isNew = this.shown?.picture !== picture;
    const { decoder, light } = this.engines;
    const coming = picture.stream
      ? drawable(picture, picture.stream, subnet, light, isNew)
      : loadFile(picture, subnet, decoder, signal);
    let latest: Shown | undefined;
    for await (const { isLast, ...next } of coming) {
      signal.throwIfAborted();
      refuseOther(picture, next.image);
      latest = { picture, ...next };
      this.#present(latest, place);
      place = undefined;
      if (isLast) return this.#done();
      await this.#layer.glance(next.image, signal);
      mark(next.subnet.name === PREVIEW ? PREVIEW : 'level', next.subnet);
    }
    if (!latest) throw new ModelError('This .anir file ends before its first picture; fetch it again.');
    this.listener.onError(endsEarly(latest.subnet.bytes, picture.id === undefined));
    await this.#done();
  }

  async #done(): Promise<void> {
    this.#loading = false;
    await this.#finish();
  }

  /** Aborts what was being loaded and starts anew. */
  #begin(): AbortSignal {
    this.#turn.abort();
    this.#turn = new AbortController();
    this.#loading = true;
    this.#root.ariaBusy = 'true';
    return this.#turn.signal;
  }

  #present(next: Shown, view?: View): void {
    const before = this.shown?.picture;
    const { picture } = next;
    if (before?.width !== picture.width || before.height !== picture.height) this.#layer.clear();
    this.shown = next;
    if (view || before !== picture) this.stage.show(view ?? WHOLE, picture);
    this.listener.onShown(next);
    clearTimeout(this.#idle);
  }

  /** Draws what is in view in device pixels. */
  async #finish(): Promise<void> {
    if (!this.shown) return;
    const { shown } = this;
    const { image } = shown;
    clearTimeout(this.#idle);
    this.#drawing.abort();
    this.#drawing = new AbortController();
    const { signal } = this.#drawing;
    try {
      const region = this.#isNative ? wholeRegion(image.info, image.info) : this.stage.region();
      const pass = await this.#layer.draw(image, region, signal);
      signal.throwIfAborted();
      this.#progress(0);
      this.#root.ariaBusy = String(this.#loading);
      mark('drawn', shown.subnet);
      this.listener.onDrawn(shown, pass);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #progress(share: number): void {
    if (share > 0) this.#root.classList.remove('empty');
    this.#bar.style.opacity = share > 0 ? '1' : '0';
    this.#bar.style.transform = `scaleX(${share})`;
  }
}

/** Adds a mark to the browser's performance timeline, for benchmarks: what is visible, and from how many bytes. */
const mark = (what: string, { bytes }: Subnet) => performance.mark(what, { detail: bytes });

function refuseOther({ width, height }: Picture, { info }: NeuralImage): void {
  if (info.width === width && info.height === height) return;
  throw new ModelError(
    `This network draws ${formatSize(info)} pixels, but the manifest says ${formatSize({ width, height })}.`,
  );
}
