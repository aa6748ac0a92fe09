/** Saves a PNG of the picture or of the part in view, decoded again at the chosen size. */
import type { NeuralImage } from '../neural-img/src/index.ts';
import { formatSize } from './format.ts';
import { paint } from './neural_layer.ts';
import { download } from './own_files.ts';
import { find } from './page.ts';
import { type Region, type Size, wholeRegion } from './view.ts';

// On phones a canvas with more pixels stays blank, without an error.
const MAX_PIXELS = 16.7e6;

export interface Saveable {
  image: NeuralImage;
  /** The file name without its extension. */
  stem: string;
  view: Region;
}

export class SaveDialog {
  readonly #dialog = find('save-dialog', HTMLDialogElement);
  readonly #form = find('save-form', HTMLFormElement);
  readonly #width = find('save-width', HTMLInputElement);
  readonly #height = find('save-height', HTMLElement);
  readonly #progress = find('save-progress', HTMLProgressElement);
  readonly #start = find('save-start', HTMLButtonElement);
  #subject: Saveable | undefined;
  #saving: AbortController | undefined;

  constructor(private readonly onError: (error: unknown) => void) {
    this.#form.addEventListener('input', (event) => this.#input(event.target));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#save().catch(this.onError);
    });
    find('save-cancel', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => this.#saving?.abort());
  }

  open(subject: Saveable): void {
    this.#subject = subject;
    this.#progress.hidden = true;
    this.#start.disabled = false;
    this.#width.valueAsNumber = this.#native().width;
    this.#input(this.#width);
    this.#dialog.showModal();
  }

  /** Handles input: a new part or factor changes the width, and the width determines everything else. */
  #input(target: EventTarget | null): void {
    const { width } = this.#native();
    if (target !== this.#width) this.#width.valueAsNumber = Math.round(width * this.#factor());
    for (const radio of this.#form.querySelectorAll<HTMLInputElement>('[name=factor]'))
      radio.checked = this.#width.valueAsNumber === Math.round(width * Number(radio.value));
    const size = this.#size();
    const pixels = size.width * size.height;
    this.#width.setCustomValidity(
      pixels > MAX_PIXELS ? `At most ${formatSize(this.#largest())}: browsers draw no larger pictures.` : '',
    );
    this.#height.textContent = size.width > 0 ? `× ${size.height} pixels` : '';
  }

  async #save(): Promise<void> {
    if (!this.#subject) return;
    const { image, stem } = this.#subject;
    this.#saving = new AbortController();
    const { signal } = this.#saving;
    this.#start.disabled = true;
    this.#progress.hidden = false;
    this.#progress.value = 0;
    try {
      const canvas = document.createElement('canvas');
      const region = { ...this.#part(), size: this.#size() };
      await paint(canvas, image, region, signal, (share) => {
        this.#progress.value = share;
      });
      download(await toPng(canvas), `${stem}.png`);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#dialog.close();
    }
  }

  #isWhole(): boolean {
    return new FormData(this.#form).get('part') === 'whole';
  }

  #factor(): number {
    return Number(new FormData(this.#form).get('factor') ?? 1);
  }

  /** The part of the picture to save; its `size` is not used. */
  #part(): Region {
    if (!this.#subject) throw new Error('There is nothing to save.');
    const { image, view } = this.#subject;
    return this.#isWhole() ? wholeRegion(image.info, image.info) : view;
  }

  #native(): Size {
    const { columns, rows } = this.#part();
    return { width: Math.max(1, Math.round(columns.count)), height: Math.max(1, Math.round(rows.count)) };
  }

  #size(): Size {
    const width = Math.round(this.#width.valueAsNumber) || 0;
    const { columns, rows } = this.#part();
    return { width, height: Math.max(1, Math.round((width * rows.count) / columns.count)) };
  }

  #largest(): Size {
    const { columns, rows } = this.#part();
    const width = Math.floor(Math.sqrt((MAX_PIXELS * columns.count) / rows.count));
    return { width, height: Math.floor((width * rows.count) / columns.count) };
  }
}

function toPng(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The picture is too large to save.'))));
  });
}
