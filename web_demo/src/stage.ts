/** The stage: shows two versions of a picture in the same view, with a movable split between them. */
import { find } from './page.ts';
import {
  clampView,
  type Point,
  panBy,
  place,
  type Region,
  type Size,
  type View,
  visibleRegion,
  WHOLE,
  zoomAt,
} from './view.ts';

const ZOOM_STEP = 1.5;
const PAN_STEP = 60;
const SPLIT_STEP = 0.02;
/** Pixels that a pointer has to move before a press becomes a drag. */
const TREMBLE = 4;

export class Stage {
  readonly #root = find('stage', HTMLElement);
  readonly #handle = find('split', HTMLElement);
  readonly #worlds = [...this.#root.querySelectorAll<HTMLElement>('.world')];
  #picture: Size = { width: 3, height: 2 };
  #view = WHOLE;
  #split = 0.5;
  #pointers = new Map<number, Point>();
  #dragged = false;

  constructor(
    private readonly onView: () => void,
    private readonly onSplit: () => void,
  ) {
    this.#root.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    this.#root.addEventListener('dblclick', (event) => this.#doubleClick(event));
    this.#root.addEventListener('keydown', (event) => this.#key(event));
    this.#handle.addEventListener('keydown', (event) => this.#splitKey(event));
    this.#root.addEventListener('pointerdown', (event) => this.#down(event));
    this.#root.addEventListener('pointermove', (event) => this.#move(event));
    for (const end of ['pointerup', 'pointercancel'] as const)
      this.#root.addEventListener(end, (event) => this.#up(event));
    new ResizeObserver(() => this.show(this.#view)).observe(this.#root);
  }

  get view(): View {
    return this.#view;
  }

  get split(): number {
    return this.#split;
  }

  set split(share: number) {
    this.#split = Math.min(Math.max(share, 0), 1);
    const percent = Math.round(this.#split * 100);
    this.#root.style.setProperty('--split', `${this.#split * 100}%`);
    this.#handle.ariaValueNow = String(percent);
    this.#handle.ariaValueText = `${percent} % neural`;
    this.onSplit();
  }

  show(view: View, picture = this.#picture): void {
    this.#picture = picture;
    const stage = this.#size();
    this.#view = clampView(view, this.#picture, stage);
    const { left, top, scale } = place(this.#view, this.#picture, stage);
    for (const world of this.#worlds) {
      world.style.width = `${this.#picture.width}px`;
      world.style.height = `${this.#picture.height}px`;
      world.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
    }
    // While the whole picture is in view, a finger scrolls the page and moves the split; zoomed in, it moves the picture.
    this.#root.classList.toggle('zoomed', this.#view.zoom > 1);
    this.onView();
  }

  zoomBy(factor: number, point?: Point): void {
    const stage = this.#size();
    const at = point ?? { x: stage.width / 2, y: stage.height / 2 };
    this.show(zoomAt(this.#view, factor, at, this.#picture, stage));
  }

  /** The part in view, in device pixels. */
  region(): Region {
    return visibleRegion(this.#view, this.#picture, this.#size(), devicePixelRatio);
  }

  #size(): Size {
    // Without a layout, as in a hidden tab, the stage has no size.
    return { width: this.#root.clientWidth || 1, height: this.#root.clientHeight || 1 };
  }

  #pointOf({ clientX, clientY }: MouseEvent): Point {
    const { left, top } = this.#root.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  #pan(x: number, y: number): void {
    this.show(panBy(this.#view, { x, y }, this.#picture, this.#size()));
  }

  #doubleClick(event: MouseEvent): void {
    if (!(event.target as Element).closest('button, #split')) this.zoomBy(2, this.#pointOf(event));
  }

  /** Zooms with Ctrl or Command pressed, which is also how a pinch on a touchpad arrives; a plain wheel scrolls the page. */
  #wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoomBy(Math.exp(-event.deltaY * (event.deltaMode === 0 ? 0.008 : 0.2)), this.#pointOf(event));
  }

  #key(event: KeyboardEvent): void {
    const actions: Record<string, () => void> = {
      '+': () => this.zoomBy(ZOOM_STEP),
      '=': () => this.zoomBy(ZOOM_STEP),
      '-': () => this.zoomBy(1 / ZOOM_STEP),
      '0': () => this.show(WHOLE),
      ArrowLeft: () => this.#pan(PAN_STEP, 0),
      ArrowRight: () => this.#pan(-PAN_STEP, 0),
      ArrowUp: () => this.#pan(0, PAN_STEP),
      ArrowDown: () => this.#pan(0, -PAN_STEP),
    };
    const scrolls = event.key.startsWith('Arrow') && this.#view.zoom === 1;
    perform(event, scrolls ? undefined : actions[event.key]);
  }

  #splitKey(event: KeyboardEvent): void {
    const moves: Record<string, number> = {
      ArrowLeft: this.#split - SPLIT_STEP,
      ArrowDown: this.#split - SPLIT_STEP,
      ArrowRight: this.#split + SPLIT_STEP,
      ArrowUp: this.#split + SPLIT_STEP,
      PageDown: this.#split - 5 * SPLIT_STEP,
      PageUp: this.#split + 5 * SPLIT_STEP,
      Home: 0,
      End: 1,
    };
    const to = moves[event.key];
    perform(
      event,
      to === undefined
        ? undefined
        : () => {
            this.split = to;
          },
    );
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0 || (event.target as Element).closest('button')) return;
    this.#dragged = false;
    this.#pointers.set(event.pointerId, this.#pointOf(event));
  }

  #move(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const after = this.#pointOf(event);
    const onHandle = event.target === this.#handle;
    if (!this.#dragged && !onHandle && distance(before, after) < TREMBLE) return;
    this.#dragged = true;
    // From here on the stage or the handle receives the pointer's events wherever it goes.
    (event.target as HTMLElement).setPointerCapture(event.pointerId);
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, after);
    if (other) this.#pinch(before, after, other);
    else if (onHandle || this.#view.zoom === 1) this.split = after.x / this.#size().width;
    else this.#pan(after.x - before.x, after.y - before.y);
  }

  #up(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
  }

  /** Handles one of two fingers moving from `before` to `after` while the other stays at `other`. */
  #pinch(before: Point, after: Point, other: Point): void {
    const middle = { x: (after.x + other.x) / 2, y: (after.y + other.y) / 2 };
    this.#pan((after.x - before.x) / 2, (after.y - before.y) / 2);
    this.zoomBy(distance(after, other) / Math.max(1, distance(before, other)), middle);
  }
}

const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);

/** Performs a key's action in place of the browser's default; ignores keys without one, and those with modifiers. */
function perform(event: KeyboardEvent, action: (() => void) | undefined): void {
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}
