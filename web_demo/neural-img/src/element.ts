import { axis } from './coordinates.ts';
import { Decoder, type NeuralImage } from './decoder.ts';
import { drawTile } from './draw_tile.ts';

declare global {
  interface HTMLElementTagNameMap {
    'neural-img': NeuralImgElement;
  }
}

// A canvas with more pixels stays blank on phones, without a word.
const MAX_PIXELS = 16.7e6;

// A server that renders pages imports the module, too, but has no elements.
const BaseElement = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/**
 * `<neural-img src="d3w64.onnx" width="600" height="400" alt="…">`: a neural image at the screen's own pixels.
 *
 * Decodes when it comes near the viewport, coarsely first, and again when its size on the screen changes.
 * Dispatches `load` when a picture is first drawn whole, and `error`, whose message the element also shows.
 */
export class NeuralImgElement extends BaseElement {
  static readonly observedAttributes = ['src', 'alt', 'width', 'height'];

  static #decoder: Decoder | undefined;

  readonly #canvas = document.createElement('canvas');
  readonly #message = document.createElement('p');
  readonly #sheet = new CSSStyleSheet();
  readonly #near = new IntersectionObserver(
    (entries) => this.#seen(entries.at(-1)?.isIntersecting ?? false),
    {
      rootMargin: '200px',
    },
  );
  readonly #size = new ResizeObserver(([entry]) => {
    if (entry) this.#resized(inPixels(entry.contentRect.width, entry.contentRect.height));
  });
  #pixels = { width: 0, height: 0 };
  #isNear = false;
  #image: NeuralImage | undefined;
  #isDrawn = false;
  /** Ends when there is something newer to draw. */
  #turn: AbortController | undefined;

  constructor() {
    super();
    this.#message.part.add('error');
    this.#message.hidden = true;
    const shadow = this.attachShadow({ mode: 'open' });
    shadow.adoptedStyleSheets = [this.#sheet];
    shadow.append(this.#canvas, this.#message);
    this.#layOut();
  }

  get src(): string {
    return this.getAttribute('src') ?? '';
  }
  set src(value: string) {
    this.setAttribute('src', value);
  }

  get alt(): string {
    return this.getAttribute('alt') ?? '';
  }
  set alt(value: string) {
    this.setAttribute('alt', value);
  }

  /** The picture's own size in pixels; 0 until it is known. */
  get naturalWidth(): number {
    return this.#image?.info.width ?? 0;
  }
  get naturalHeight(): number {
    return this.#image?.info.height ?? 0;
  }

  connectedCallback(): void {
    this.#describe();
    this.#near.observe(this);
    this.#observeSize();
  }

  /** In device pixels where the browser can, which also tells when the page is zoomed. */
  #observeSize(): void {
    try {
      this.#size.observe(this.#canvas, { box: 'device-pixel-content-box' });
    } catch {
      this.#size.observe(this.#canvas);
    }
  }

  disconnectedCallback(): void {
    this.#near.disconnect();
    this.#size.disconnect();
    this.#isNear = false;
    this.#turn?.abort();
  }

  attributeChangedCallback(name: string): void {
    if (name === 'alt') this.#describe();
    else if (name === 'src') this.#forget();
    else this.#layOut();
  }

  #forget(): void {
    this.#image = undefined;
    this.#isDrawn = false;
    this.#report('');
    void this.#update();
  }

  #seen(isNear: boolean): void {
    const came = isNear && !this.#isNear;
    this.#isNear = isNear;
    if (came) void this.#update();
  }

  #resized(pixels: { width: number; height: number }): void {
    if (pixels.width === this.#pixels.width && pixels.height === this.#pixels.height) return;
    this.#pixels = pixels;
    void this.#update();
  }

  /** Brings the canvas up to date with the source and the size; the latest call wins. */
  async #update(): Promise<void> {
    this.#turn?.abort();
    if (!this.isConnected || !this.#isNear || !this.src || !this.#message.hidden) return;
    this.#turn = new AbortController();
    const { signal } = this.#turn;
    try {
      await this.#load(signal);
      await this.#draw(signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #load(signal: AbortSignal): Promise<void> {
    if (this.#image) return;
    NeuralImgElement.#decoder ??= new Decoder();
    NeuralImgElement.#decoder.start();
    const response = await fetch(this.src, { signal });
    if (!response.ok) throw new Error(`${this.src} answered ${response.status}.`);
    const file = new Uint8Array(await response.arrayBuffer());
    signal.throwIfAborted();
    const image = await NeuralImgElement.#decoder.open(file);
    signal.throwIfAborted();
    this.#image = image;
    this.#takeRatio();
  }

  /** Lays out by the picture's own ratio, and does not wait for the observer: it may come after the first picture. */
  #takeRatio(): void {
    const { offsetWidth, offsetHeight } = this.#canvas;
    this.#layOut();
    const [width, height] = [this.#canvas.offsetWidth, this.#canvas.offsetHeight];
    if (width !== offsetWidth || height !== offsetHeight) this.#pixels = inPixels(width, height);
  }

  async #draw(signal: AbortSignal): Promise<void> {
    const { width, height } = this.#fitting();
    const context = this.#canvas.getContext('2d');
    // Of an element without a size there is nothing to draw until it gets one.
    if (!this.#image || !context || width * height === 0) return;
    if (this.#isDrawn && this.#canvas.width === width && this.#canvas.height === height) return;
    this.#stretchTo(width, height, context);
    const { info } = this.#image;
    const x = axis(info.width, { start: 0, count: info.width }, width);
    const y = axis(info.height, { start: 0, count: info.height }, height);
    const isFirst = !this.#isDrawn;
    for await (const tile of this.#image.decode({ x, y, coarse: isFirst, signal })) drawTile(context, tile);
    this.#isDrawn = true;
    if (isFirst) this.dispatchEvent(new Event('load'));
  }

  /** The size on the screen in its own pixels, less where a canvas could not hold it. */
  #fitting(): { width: number; height: number } {
    const { width, height } = this.#pixels;
    const scale = Math.min(1, Math.sqrt(MAX_PIXELS / (width * height || 1)));
    return { width: Math.floor(width * scale), height: Math.floor(height * scale) };
  }

  /** Gives the canvas a new size and keeps what it shows until there is better. */
  #stretchTo(width: number, height: number, context: CanvasRenderingContext2D): void {
    const before = new OffscreenCanvas(this.#canvas.width, this.#canvas.height);
    before.getContext('2d')?.drawImage(this.#canvas, 0, 0);
    this.#canvas.width = width;
    this.#canvas.height = height;
    if (this.#isDrawn) context.drawImage(before, 0, 0, width, height);
  }

  #fail(error: Error): void {
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
    const { naturalWidth, naturalHeight } = this;
    const [width, height] = [lengthOf(this, 'width'), lengthOf(this, 'height')];
    const ratio = naturalWidth ? `${naturalWidth} / ${naturalHeight}` : 'auto';
    this.#sheet.replaceSync(`
      :host { display: inline-block; position: relative; vertical-align: bottom; max-width: 100%;
        width: ${width || (height ? 'auto' : `${naturalWidth || 300}px`)}; height: ${height || 'auto'};
        aspect-ratio: ${width && height ? 'auto' : ratio}; }
      :host([hidden]) { display: none; }
      canvas { display: block; width: 100%; height: 100%; }
      p { position: absolute; inset: 0; margin: 0; padding: 0.5em; display: grid; place-items: center;
        overflow: auto; text-align: center; font: 14px/1.3 system-ui, sans-serif; color: CanvasText; background: Canvas;
        outline: 1px solid GrayText; outline-offset: -1px; }
      p[hidden] { display: none; }`);
  }
}

/** The attribute as a CSS length; nothing where it is no whole number, as with `<img>`. */
function lengthOf(element: Element, name: string): string {
  const value = element.getAttribute(name) ?? '';
  return /^\d{1,5}$/.test(value) ? `${value}px` : '';
}

/** In the screen's own pixels; `devicePixelContentBoxSize` would not know an emulated screen's. */
function inPixels(width: number, height: number): { width: number; height: number } {
  return { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
}
