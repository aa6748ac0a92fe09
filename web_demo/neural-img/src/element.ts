import { axis } from './coordinates.ts';
import { Decoder, deferred, type NeuralImage } from './decoder.ts';
import { drawTile } from './draw_tile.ts';
import { bitmapSize, type Size, styleSheet } from './layout.ts';
import { Source } from './source.ts';

declare global {
  interface HTMLElementTagNameMap {
    'neural-img': NeuralImgElement;
  }
}

// A server that renders pages imports the module, too, but has no elements.
const BaseElement = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);
const ATTRIBUTES = ['src', 'alt', 'width', 'height', 'loading', 'quality'] as const;
// How far from the viewport an element is near, as decoding takes a while; some browsers look into scrollers, too.
const MARGINS = { rootMargin: '50%', scrollMargin: '200px' };

let decoder: Decoder | undefined;

/**
 * `<neural-img src="d3w64.onnx" width="600" height="400" alt="…">`: a neural image at the screen's own pixels.
 *
 * Loads and decodes near the viewport, coarsely first, and again when its size on the screen changes.
 * Dispatches `load` when a picture is first drawn whole, and `error`, whose message the element also shows.
 */
export class NeuralImgElement extends BaseElement {
  static readonly observedAttributes = ATTRIBUTES;

  readonly #canvas = document.createElement('canvas');
  readonly #message = document.createElement('p');
  readonly #sheet = new CSSStyleSheet();
  readonly #near = new IntersectionObserver((entries) => this.#seen(entries.at(-1)?.isIntersecting), MARGINS);
  readonly #resized = new ResizeObserver(() => {
    const { width, height } = this.#wanted();
    if (width !== this.#canvas.width || height !== this.#canvas.height) void this.#update();
  });
  #isNear = false;
  #natural: Size = { width: 0, height: 0 };
  #source: Source | undefined;
  /** Settles when the source is first drawn whole, or cannot be. */
  #ready = deferred<void>();
  #isAsked = false;
  #isComplete = true;
  /** What the canvas holds whole. */
  #drawn: NeuralImage | undefined;
  /** Ends when there is something newer to draw. */
  #turn = new AbortController();

  constructor() {
    super();
    this.#message.part.add('error');
    this.#message.hidden = true;
    const shadow = this.attachShadow({ mode: 'open' });
    shadow.adoptedStyleSheets = [this.#sheet];
    shadow.append(this.#canvas, this.#message);
    this.#empty();
  }

  get src(): string {
    return this.getAttribute('src') ?? '';
  }
  set src(value: string | null | undefined) {
    this.#reflect('src', value);
  }

  get alt(): string {
    return this.getAttribute('alt') ?? '';
  }
  set alt(value: string | null | undefined) {
    this.#reflect('alt', value);
  }

  /** In CSS pixels, as laid out. */
  get width(): number {
    return this.offsetWidth;
  }
  set width(value: number | string | null | undefined) {
    this.#reflect('width', value);
  }

  get height(): number {
    return this.offsetHeight;
  }
  set height(value: number | string | null | undefined) {
    this.#reflect('height', value);
  }

  get loading(): 'lazy' | 'eager' {
    return this.getAttribute('loading')?.toLowerCase() === 'eager' ? 'eager' : 'lazy';
  }
  set loading(value: string | null | undefined) {
    this.#reflect('loading', value);
  }

  /** How good a manifest's subnet is to be: low, auto, high, or a number of decibels. */
  get quality(): string {
    return this.getAttribute('quality')?.toLowerCase() ?? 'auto';
  }
  set quality(value: number | string | null | undefined) {
    this.#reflect('quality', value);
  }

  /** The picture's own size in pixels; 0 until it is known. */
  get naturalWidth(): number {
    return this.#natural.width;
  }
  get naturalHeight(): number {
    return this.#natural.height;
  }

  /** The whole address of the file that is shown. */
  get currentSrc(): string {
    return this.#source?.current ?? '';
  }

  /** Bytes fetched for this `src`. */
  get bytesLoaded(): number {
    return this.#source?.bytesLoaded ?? 0;
  }

  /** Whether there is nothing to wait for: no `src`, or it was drawn or failed. */
  get complete(): boolean {
    return this.#isComplete;
  }

  /** Loads wherever the element is; resolves once it is drawn, or read where it has no size, as outside a page. */
  decode(): Promise<void> {
    this.#isAsked = !this.#isComplete;
    void this.#update();
    return this.#ready.promise;
  }

  connectedCallback(): void {
    // Properties that were set before the element was defined.
    for (const name of ATTRIBUTES) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name] as string;
      delete (this as Record<string, unknown>)[name];
      this[name] = value as never;
    }
    this.#describe();
    this.#near.observe(this);
    try {
      // In device pixels where the browser can, which also tells when the page is zoomed.
      this.#resized.observe(this.#canvas, { box: 'device-pixel-content-box' });
    } catch {
      this.#resized.observe(this.#canvas);
    }
    void this.#update();
  }

  disconnectedCallback(): void {
    this.#near.disconnect();
    this.#resized.disconnect();
    this.#isNear = false;
    this.#turn.abort();
  }

  attributeChangedCallback(name: string): void {
    if (name === 'alt') this.#describe();
    else if (name === 'src') this.#begin();
    else if (name === 'width' || name === 'height') this.#layOut();
    else void this.#update();
  }

  #reflect(name: string, value: number | string | null | undefined): void {
    if (value == null) this.removeAttribute(name);
    else this.setAttribute(name, String(value));
  }

  /** A new source; what was shown stays until there is something to draw. */
  #begin(): void {
    this.#turn.abort();
    this.#source?.stop();
    this.#source = undefined;
    this.#ready.reject(new DOMException('The source was changed.', 'EncodingError'));
    this.#ready = deferred();
    this.#drawn = undefined;
    this.#isAsked = false;
    this.#isComplete = !this.src;
    this.#report('');
    if (this.src) void this.#update();
    else this.#empty();
  }

  #empty(): void {
    this.#ready.reject(new DOMException('There is no source.', 'EncodingError'));
    this.#clear();
    this.#natural = { width: 0, height: 0 };
    this.#layOut();
  }

  #seen(isNear = false): void {
    this.#isNear = isNear;
    if (isNear) void this.#update();
    else if (this.loading === 'lazy' && !this.#isAsked) this.#clear();
  }

  /** Gives memory back; the file stays, and the layout. */
  #clear(): void {
    this.#turn.abort();
    this.#source?.rest();
    this.#drawn = undefined;
    this.#canvas.width = this.#canvas.height = 0;
  }

  /** Brings the canvas up to date with the source, the size and the place on the page; the latest call wins. */
  async #update(): Promise<void> {
    const isWanted = this.#isAsked || (this.isConnected && (this.#isNear || this.loading === 'eager'));
    if (!isWanted || !this.src || !this.#message.hidden) return;
    this.#turn.abort();
    this.#turn = new AbortController();
    const { signal } = this.#turn;
    try {
      decoder ??= new Decoder();
      this.#source ??= new Source(this.src, decoder);
      const natural = await this.#source.size();
      signal.throwIfAborted();
      if (natural !== this.#natural) {
        this.#natural = natural;
        this.#layOut();
      }
      const size = this.#wanted();
      const scale = (size.width || natural.width) / natural.width;
      const image = await this.#source.image(this.quality, scale);
      signal.throwIfAborted();
      await this.#draw(image, size, signal);
      this.#settle();
    } catch (error) {
      if (!signal.aborted) this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The bitmap's size that suits the place on the screen; 0 × 0 without a place or a picture. */
  #wanted(): Size {
    const { width, height, objectFit } = getComputedStyle(this.#canvas);
    const box = { width: Number.parseFloat(width), height: Number.parseFloat(height) };
    if (!this.#canvas.getClientRects().length) return { width: 0, height: 0 };
    return bitmapSize(this.#natural, box, objectFit, devicePixelRatio);
  }

  async #draw(image: NeuralImage, { width, height }: Size, signal: AbortSignal): Promise<void> {
    const canvas = this.#canvas;
    const isSized = canvas.width === width && canvas.height === height;
    const context = canvas.getContext('2d');
    if (!context || width * height === 0 || (isSized && this.#drawn === image)) return;
    if (!isSized) stretch(context, { width, height });
    const { info } = image;
    const x = axis(info.width, { start: 0, count: info.width }, width);
    const y = axis(info.height, { start: 0, count: info.height }, height);
    for await (const tile of image.decode({ x, y, coarse: !this.#drawn, signal })) drawTile(context, tile);
    this.#drawn = image;
  }

  #settle(): void {
    this.#isAsked = false;
    if (this.#isComplete) return;
    this.#isComplete = true;
    this.#ready.resolve();
    this.dispatchEvent(new Event('load'));
  }

  #fail(error: Error): void {
    this.#isAsked = false;
    this.#isComplete = true;
    this.#ready.reject(new DOMException(error.message, 'EncodingError'));
    this.#report(error.message);
    this.dispatchEvent(new ErrorEvent('error', { error, message: error.message }));
  }

  #report(message: string): void {
    this.#message.textContent = message;
    this.#message.hidden = message === '';
    this.#describe();
  }

  #describe(): void {
    if (!this.isConnected) return;
    const label = [this.alt, this.#message.textContent].filter(Boolean).join(': ');
    this.setAttribute('role', label || !this.hasAttribute('alt') ? 'img' : 'presentation');
    if (label) this.setAttribute('aria-label', label);
    else this.removeAttribute('aria-label');
  }

  #layOut(): void {
    const [width, height] = [this.getAttribute('width'), this.getAttribute('height')];
    this.#sheet.replaceSync(styleSheet(width, height, this.#natural));
  }
}

/** Gives a canvas a new size and keeps what it shows until there is better. */
function stretch(context: CanvasRenderingContext2D, { width, height }: Size): void {
  const { canvas } = context;
  const before = canvas.width * canvas.height && new OffscreenCanvas(canvas.width, canvas.height);
  if (before) before.getContext('2d')?.drawImage(canvas, 0, 0);
  Object.assign(canvas, { width, height });
  if (before) context.drawImage(before, 0, 0, width, height);
}
