import { Decoder, deferred } from './decoder.ts';
import { type Size, styleSheet } from './layout.ts';
import type { Refinement } from './prefix.ts';
import { Source } from './source.ts';
import { Surface } from './surface.ts';

declare global {
  interface HTMLElementTagNameMap {
    'neural-img': NeuralImgElement;
  }
  interface HTMLElementEventMap {
    refine: CustomEvent<Refinement>;
  }
}

// Server-side rendering imports this module, too, but has no HTMLElement.
const BaseElement = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);
const ATTRIBUTES = ['src', 'alt', 'width', 'height', 'loading', 'quality'] as const;
// Decoding takes a while, so it starts this far outside the viewport; scrollMargin, for scroll containers, is not supported everywhere.
const MARGINS = { rootMargin: '50%', scrollMargin: '200px' };

let decoder: Decoder | undefined;
// Labels with an error that elements have had: the clone of such an element is not to keep it.
const failures = new Set<string | null>();

/**
 * `<neural-img src="photo.anir" width="600" height="400" alt="…">`: a neural image, drawn at device pixels.
 *
 * Loads and decodes once it is near the viewport, and draws again when its size changes; a coarse picture comes first. Of a file that
 * streams it takes as many levels as its size on the screen calls for. Dispatches `refine` for each level of such a file that is drawn,
 * `load` when the picture is first drawn at the quality asked for, and `error`, whose message it also shows unless there is a picture.
 */
export class NeuralImgElement extends BaseElement {
  static readonly observedAttributes = ATTRIBUTES;

  readonly #surface = new Surface();
  readonly #message = document.createElement('p');
  #sheet = new CSSStyleSheet();
  readonly #near = new IntersectionObserver((entries) => this.#seen(entries.at(-1)?.isIntersecting), MARGINS);
  readonly #resized = new ResizeObserver(() => {
    if (!this.#surface.hasSize(this.#surface.wantedFor(this.#natural))) void this.#update();
  });
  #isNear = false;
  #natural: Size = { width: 0, height: 0 };
  #source: Source | undefined;
  /** Settles when the source is first drawn completely or for a call of `decode`, or has failed. */
  #ready = deferred<void>();
  /** Whether a call of `decode` is pending, so that the picture is loaded wherever the element is. */
  #isAsked = false;
  #isComplete = true;
  /** The last failure, which is not told again. */
  #failure: Error | undefined;
  /** Whether `load` has been dispatched for this source. */
  #isLoaded = false;
  /** Attributes for assistive technology that are the element's own, not the page's, with their values. */
  readonly #exposed: Record<string, string> = {};
  /** `bytes` of the last `refine` event. */
  #refined = 0;
  /** Aborted when there is something newer to draw, or nothing to draw any more. */
  #turn = new AbortController();

  constructor() {
    super();
    this.#message.part.add('error');
    this.#message.hidden = true;
    const shadow = this.attachShadow({ mode: 'open' });
    shadow.adoptedStyleSheets = [this.#sheet];
    shadow.append(this.#message, this.#surface.canvas);
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

  /** The element's width on the page in CSS pixels; setting it sets the attribute. */
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

  /** Which quality to fetch: `low`, `auto`, `high`, or a PSNR in dB. */
  get quality(): string {
    return this.getAttribute('quality')?.toLowerCase() ?? 'auto';
  }
  set quality(value: number | string | null | undefined) {
    this.#reflect('quality', value);
  }

  /** The picture's native width in pixels; 0 until it is known. */
  get naturalWidth(): number {
    return this.#natural.width;
  }
  get naturalHeight(): number {
    return this.#natural.height;
  }

  /** The absolute URL of the file that is shown. */
  get currentSrc(): string {
    return this.#source?.current ?? '';
  }

  /** Bytes received for this `src`, including its manifest. */
  get bytesLoaded(): number {
    return this.#source?.bytesLoaded ?? 0;
  }

  /** Whether there is no `src`, or it has been drawn completely once, or has failed. */
  get complete(): boolean {
    return this.#isComplete;
  }

  /** Loads even far from the viewport or outside a document; resolves once drawn, or once read if the element has no size. */
  decode(): Promise<void> {
    // Without a source, and after a failure that is shown, the promise is rejected already.
    if (this.src && this.#message.hidden && !this.#isAsked) {
      if (this.#isComplete) this.#ready = deferred();
      this.#isAsked = true;
      void this.#update();
    }
    return this.#ready.promise;
  }

  connectedCallback(): void {
    // Properties that were set before the element was defined shadow the accessors: pass them through these.
    for (const name of ATTRIBUTES) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name] as string;
      delete (this as Record<string, unknown>)[name];
      this[name] = value as never;
    }
    this.#describe();
    this.#near.observe(this);
    try {
      // In device pixels where the browser can, so that zooming the page is noticed, too.
      this.#resized.observe(this.#surface.canvas, { box: 'device-pixel-content-box' });
    } catch {
      this.#resized.observe(this.#surface.canvas);
    }
    void this.#update();
  }

  disconnectedCallback(): void {
    this.#near.disconnect();
    this.#resized.disconnect();
    this.#isNear = false;
    // An element that is moved in the document is connected again at once, and goes on loading.
    setTimeout(() => {
      if (this.isConnected || this.#isAsked) return;
      this.#turn.abort();
      this.#source?.pause();
    });
  }

  adoptedCallback(): void {
    const view = this.ownerDocument.defaultView;
    if (!view || !this.shadowRoot) return;
    // A constructed style sheet belongs to one document.
    this.#sheet = new view.CSSStyleSheet();
    this.shadowRoot.adoptedStyleSheets = [this.#sheet];
    this.#layOut();
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

  /** Takes a new source; the old picture stays until there is something to draw. */
  #begin(): void {
    this.#turn.abort();
    this.#source?.stop();
    this.#source = undefined;
    this.#ready.reject(new DOMException('The source was changed.', 'EncodingError'));
    this.#ready = deferred();
    this.#surface.forget();
    this.#refined = 0;
    this.#isAsked = false;
    this.#isComplete = !this.src;
    this.#isLoaded = false;
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

  /** Frees the bitmap and decoded data; keeps the file's bytes and the layout. */
  #clear(): void {
    this.#turn.abort();
    this.#source?.rest();
    this.#surface.clear();
  }

  get #isWanted(): boolean {
    return this.#isAsked || (this.isConnected && (this.#isNear || this.loading === 'eager'));
  }

  /** Brings the canvas up to date with the source, its size and its position on the page; the latest call wins. */
  async #update(): Promise<void> {
    if (!this.#isWanted || !this.src || !this.#message.hidden) return;
    this.#turn.abort();
    this.#turn = new AbortController();
    const { signal } = this.#turn;
    decoder ??= new Decoder();
    try {
      this.#source ??= new Source(this.src, decoder);
      await this.#show(this.#source, signal);
      this.#settle();
    } catch (error) {
      if (!signal.aborted) this.#fail(error instanceof Error ? error : new Error(String(error)));
      else if (!this.#isWanted) this.#source?.pause();
    }
  }

  async #show(source: Source, signal: AbortSignal): Promise<void> {
    const natural = await source.size(signal);
    signal.throwIfAborted();
    if (natural.width !== this.#natural.width || natural.height !== this.#natural.height) {
      this.#natural = natural;
      this.#layOut();
    }
    const size = this.#surface.wantedFor(natural);
    const scale = (size.width || natural.width) / natural.width;
    for await (const { image, refinement } of source.pictures(this.quality, scale, signal)) {
      signal.throwIfAborted();
      // The file may have been replaced on the server by one of another size.
      const { width, height } = image.info;
      if (width !== natural.width || height !== natural.height) return this.#show(source, signal);
      await this.#surface.draw(image, size, signal);
      if (refinement) this.#tell(refinement);
    }
  }

  #tell(detail: Refinement): void {
    if (detail.bytes <= this.#refined) return;
    this.#refined = detail.bytes;
    this.dispatchEvent(new CustomEvent('refine', { detail }));
  }

  #settle(): void {
    this.#isAsked = false;
    this.#isComplete = true;
    this.#ready.resolve();
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    this.dispatchEvent(new Event('load'));
  }

  #fail(error: Error): void {
    // A picture that was drawn before has failed now.
    if (this.#isComplete && !this.#isAsked) this.#ready = deferred();
    this.#isAsked = false;
    this.#isComplete = true;
    this.#ready.reject(new DOMException(error.message, 'EncodingError'));
    if (!this.#surface.isDrawn) this.#report(error.message);
    if (error === this.#failure) return;
    this.#failure = error;
    this.dispatchEvent(new ErrorEvent('error', { error, message: error.message }));
  }

  #report(message: string): void {
    this.#message.textContent = message;
    this.#message.hidden = message === '';
    this.#describe();
  }

  #describe(): void {
    const label = [this.alt, this.#message.textContent].filter(Boolean).join(': ');
    if (!this.#message.hidden) failures.add(label);
    this.#expose('role', label || !this.hasAttribute('alt') ? 'img' : 'presentation');
    this.#expose('aria-label', label);
  }

  /** Sets an attribute for assistive technology, unless the page has given it a value of its own; a clone has that of its original. */
  #expose(name: 'role' | 'aria-label', value: string): void {
    const before = this.getAttribute(name);
    if (before && before !== this.#exposed[name] && before !== value && !failures.has(before)) return;
    this.#exposed[name] = value;
    // An element that has just been created has no attributes.
    if (before || this.isConnected) this.#reflect(name, value || null);
  }

  #layOut(): void {
    const [width, height] = [this.getAttribute('width'), this.getAttribute('height')];
    const isQuirky = this.ownerDocument.compatMode === 'BackCompat';
    this.#sheet.replaceSync(styleSheet(width, height, this.#natural, isQuirky));
  }
}
