/** The slider under the picture: how many bytes of its file are used, with a tick where each level ends. */
import { paretoFront } from '../neural-img/src/manifest.ts';
import { bytesAt, describeCut, type Ends, PREVIEW, positionOf, STEPS, stepFrom } from './cut.ts';
import { formatBytes } from './format.ts';
import { create, find } from './page.ts';
import type { Picture } from './picture.ts';

export class ByteSlider {
  readonly #input = find('cut', HTMLInputElement);
  readonly #output = find('cut-text', HTMLElement);
  readonly #ticks = find('ticks', HTMLElement);
  readonly #note = find('cut-note', HTMLElement);
  #picture: Picture | undefined;
  /** Bytes at which levels end. */
  #ends: Ends = [];
  /** The ends, preceded by the bytes of a preview if there is one. */
  #stops: Ends = [];
  #bytes = 0;

  /** Calls `onBytes` when the visitor cuts the file at another byte. */
  constructor(private readonly onBytes: (bytes: number) => void) {
    Object.assign(this.#input, { min: '0', max: String(STEPS), step: '1' });
    this.#input.addEventListener('input', () => this.#take(this.#bytesAt(this.#input.valueAsNumber)));
    this.#input.addEventListener('keydown', (event) => {
      const steps: Record<string, 1 | -1> = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      this.#take(stepFrom(this.#bytes, step, this.#stops));
    });
  }

  /** Shows that the first `bytes` bytes of the picture's file are used. */
  show(picture: Picture, bytes: number): void {
    if (picture !== this.#picture) {
      this.#picture = picture;
      this.#ends = paretoFront(picture.subnets).map((subnet) => subnet.bytes);
      this.#stops = picture.least ? [picture.least, ...this.#ends] : this.#ends;
      find('cut-row', HTMLElement).classList.toggle('fixed', this.#ends.length < 2);
      this.#input.disabled = this.#ends.length < 2;
      this.#ticks.replaceChildren(...this.#ends.map((end) => this.#tick(end)));
    }
    this.#write(picture, bytes);
  }

  /** The bytes at a position of the slider; subnets in separate files cannot be cut. */
  #bytesAt(position: number): number {
    const bytes = bytesAt(position, this.#stops);
    return this.#picture?.stream ? bytes : (this.#ends.findLast((end) => end <= bytes) ?? bytes);
  }

  #tick(end: number): HTMLElement {
    const tick = create('span');
    tick.style.left = `${(100 * positionOf(end, this.#stops)) / STEPS}%`;
    return tick;
  }

  #take(bytes: number): void {
    if (bytes === this.#bytes || !this.#picture) return;
    this.#write(this.#picture, bytes);
    this.onBytes(bytes);
  }

  #write({ stream, subnets }: Picture, bytes: number): void {
    this.#bytes = bytes;
    this.#input.value = String(positionOf(bytes, this.#stops));
    const whole = this.#ends.at(-1) ?? bytes;
    const text = stream ? describeCut(bytes, whole) : `a file of ${formatBytes(bytes)}`;
    this.#output.textContent = text;
    this.#input.setAttribute('aria-valuetext', text);
    const level = this.#ends.filter((end) => end <= bytes).length;
    const ofStream =
      level > 0 ? [create('span', {}, 'picture '), `${level} of ${this.#ends.length}`] : [PREVIEW];
    const ofFiles = subnets.length > 1 ? [`one of ${subnets.length} files`] : [];
    this.#note.replaceChildren(...(stream ? ofStream : ofFiles));
  }
}
