/** The subnets as a map: bytes to the right, quality upwards, a radio button for each. */

import { paretoFront, type Subnet } from '../neural-img/src/manifest.ts';
import { formatBytes, formatQuality } from './format.ts';
import { create, find } from './page.ts';
import type { Encoded } from './picture.ts';

const WIDTH = 360;
const HEIGHT = 260;
const MARGIN = { left: 34, right: 14, top: 14, bottom: 26 };
const BYTE_TICKS = [1, 2, 5].flatMap((digit) => [1e2, 1e3, 1e4, 1e5, 1e6].map((power) => digit * power));

type Dot = Pick<Subnet, 'bytes'> & { psnr?: number };

export class SubnetMap {
  readonly #plot = find('map', HTMLElement);
  readonly #readout = find('readout', HTMLElement);
  #subnets: readonly Subnet[] = [];
  #x = scale([1, 2], [0, 1]);
  #y = scale([0, 1], [0, 1]);
  #rivalLine = svg('polyline', { class: 'rival', 'clip-path': 'url(#inside)' });
  #rivalName = svg('text', { class: 'rival', 'text-anchor': 'end' });
  #limit = svg('rect', { class: 'limit', y: 0, height: HEIGHT - MARGIN.bottom });

  constructor(
    onPick: (subnet: Subnet) => void,
    private readonly noteOf: (subnet: Subnet) => string,
  ) {
    this.#plot.addEventListener('change', ({ target }) => {
      const picked = this.#named((target as HTMLInputElement).value);
      if (picked) onPick(picked);
    });
    this.#plot.addEventListener('keydown', (event) => this.#key(event));
    // The dots are small and close together, so the nearest one is meant, wherever the map is pressed.
    this.#plot.addEventListener('click', (event) => {
      if (event.target instanceof HTMLInputElement) return;
      this.#radioOf(this.#nearest(event))?.click();
    });
    this.#plot.addEventListener('pointermove', (event) => this.#read(this.#nearest(event)));
    this.#plot.addEventListener('pointerleave', () => this.#read());
  }

  show(subnets: readonly Subnet[]): void {
    this.#subnets = subnets;
    const bytes = subnets.map((subnet) => subnet.bytes);
    const psnrs = subnets.map(({ psnr = 0 }) => psnr);
    const [low, high] = [Math.min(...psnrs) - 0.5, Math.max(...psnrs) + 0.5];
    this.#x = scale(
      [Math.log(Math.min(...bytes) / 1.15), Math.log(Math.max(...bytes) * 1.15)],
      [MARGIN.left, WIDTH - MARGIN.right],
    );
    this.#y = scale([low, high], [HEIGHT - MARGIN.bottom, MARGIN.top]);
    const drawing = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true' });
    drawing.append(
      ...this.#ticks(low, high, Math.min(...bytes), Math.max(...bytes)),
      ...this.#depths().map((row) => svg('polyline', { class: 'depth', points: this.#points(row) })),
      svg('polyline', { class: 'front', points: this.#points(paretoFront(subnets)) }),
      this.#clip(),
      this.#rivalLine,
      this.#rivalName,
      this.#limit,
    );
    this.#plot.replaceChildren(
      drawing,
      ...this.#depths().flatMap((row) => row.map((one) => this.#radio(one))),
    );
  }

  /** Marks the subnet on show. */
  select(name: string): void {
    for (const radio of this.#radios()) radio.checked = radio.value === name;
    this.#read();
  }

  /** Draws a codec's curve beside the dots, or none. */
  compare(name: string, encoded: readonly Encoded[]): void {
    const sorted = [...encoded].sort((a, b) => a.bytes - b.bytes);
    this.#rivalLine.setAttribute('points', this.#points(sorted));
    this.#rivalName.textContent = sorted.length > 0 ? name : '';
    // The name stands where the curve leaves the map, or ends on it.
    const inside = sorted.filter(
      (one) => this.#y(one.psnr) > MARGIN.top && this.#x(Math.log(one.bytes)) > MARGIN.left,
    );
    const last = inside.at(-1) ?? sorted[0];
    if (!last) return;
    this.#rivalName.setAttribute('x', String(Math.max(this.#x(Math.log(last.bytes)) - 6, MARGIN.left + 34)));
    this.#rivalName.setAttribute('y', String(Math.max(this.#y(last.psnr) - 4, MARGIN.top + 8)));
  }

  /** Fades what does not fit, and all beyond `bytes`. */
  limit(bytes: number, fits: (subnet: Subnet) => boolean): void {
    const from = Math.min(Math.max(this.#x(Math.log(bytes)), MARGIN.left), WIDTH);
    this.#limit.setAttribute('x', String(from));
    this.#limit.setAttribute('width', String(WIDTH - from));
    for (const radio of this.#radios()) {
      const subnet = this.#named(radio.value);
      radio.classList.toggle('beyond', subnet !== undefined && !fits(subnet));
    }
    this.#read();
  }

  #depths(): Subnet[][] {
    const depths = [...new Set(this.#subnets.map(({ depth }) => depth))].sort((a, b) => a - b);
    return depths.map((depth) =>
      this.#subnets.filter((subnet) => subnet.depth === depth).sort((a, b) => a.width - b.width),
    );
  }

  #at({ bytes, psnr = 0 }: Dot): [number, number] {
    return [this.#x(Math.log(bytes)), this.#y(psnr)];
  }

  #points(dots: readonly Dot[]): string {
    return dots.map((dot) => this.#at(dot).join()).join(' ');
  }

  #ticks(low: number, high: number, least: number, most: number): SVGElement[] {
    const step = high - low > 8 ? 2 : 1;
    const levels = Array.from({ length: Math.floor(high / step) }, (_, k) => (k + 1) * step).filter(
      (q) => q >= low,
    );
    const sizes = BYTE_TICKS.filter((bytes) => bytes >= least / 1.1 && bytes <= most * 1.1);
    return [
      ...levels.flatMap((level) => {
        const y = this.#y(level);
        const line = svg('line', { class: 'level', x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y, y2: y });
        return [line, label(`${level}`, MARGIN.left - 6, y + 4, 'end')];
      }),
      ...sizes.map((bytes) => label(`${bytes / 1000}`, this.#x(Math.log(bytes)), HEIGHT - 8, 'middle')),
      label('dB', MARGIN.left + 2, 10, 'start'),
      label('kB', WIDTH - 2, HEIGHT - 8, 'end'),
    ];
  }

  /** Keeps a codec's curve inside the map; it may go far above. */
  #clip(): SVGElement {
    const clip = svg('clipPath', { id: 'inside' });
    const { left, top } = MARGIN;
    clip.append(
      svg('rect', { x: left, y: top - 8, width: WIDTH - left, height: HEIGHT - top - MARGIN.bottom + 8 }),
    );
    return clip;
  }

  #radio(subnet: Subnet): HTMLInputElement {
    const [x, y] = this.#at(subnet);
    const onFront = paretoFront(this.#subnets).includes(subnet);
    const radio = create('input', { type: 'radio', name: 'subnet', value: subnet.name });
    radio.ariaLabel = `${describe(subnet)}${onFront ? ', best for its size' : ''}`;
    radio.classList.toggle('front', onFront);
    radio.style.left = `${(100 * x) / WIDTH}%`;
    radio.style.top = `${(100 * y) / HEIGHT}%`;
    return radio;
  }

  /** Writes the facts of `subnet` below the map, else of the one on show. */
  #read(subnet = this.#named(this.#radios().find(({ checked }) => checked)?.value)): void {
    for (const radio of this.#radios()) radio.classList.toggle('near', radio.value === subnet?.name);
    if (subnet) this.#readout.textContent = `${describe(subnet)}${this.noteOf(subnet)}`;
  }

  #nearest({ clientX, clientY }: MouseEvent): Subnet | undefined {
    const distance = (radio: HTMLInputElement) => {
      const { left, top, width, height } = radio.getBoundingClientRect();
      return Math.hypot(clientX - left - width / 2, clientY - top - height / 2);
    };
    const [nearest] = this.#radios().sort((a, b) => distance(a) - distance(b));
    return this.#named(nearest?.value);
  }

  /** Up and down go to a deeper or shallower network, right and left to a wider or narrower one. */
  #key(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = {
      ArrowUp: [1, 0],
      ArrowDown: [-1, 0],
      ArrowRight: [0, 1],
      ArrowLeft: [0, -1],
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const rows = this.#depths();
    const name = (event.target as HTMLInputElement).value;
    const row = rows.findIndex((subnets) => subnets.some((subnet) => subnet.name === name));
    const column = rows[row]?.findIndex((subnet) => subnet.name === name) ?? 0;
    const radio = this.#radioOf(rows[row + step[0]]?.[column + step[1]]);
    radio?.focus();
    radio?.click();
  }

  #named(name: string | undefined): Subnet | undefined {
    return this.#subnets.find((subnet) => subnet.name === name);
  }

  #radioOf(subnet: Subnet | undefined): HTMLInputElement | undefined {
    return this.#radios().find(({ value }) => value === subnet?.name);
  }

  #radios(): HTMLInputElement[] {
    return [...this.#plot.querySelectorAll('input')];
  }
}

const describe = ({ depth, width, bytes, psnr = 0 }: Subnet) =>
  `${depth} layers × ${width} · ${formatBytes(bytes)} · ${formatQuality(psnr)}`;

function scale([low, high]: [number, number], [from, to]: [number, number]): (value: number) => number {
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

function svg(tag: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

function label(text: string, x: number, y: number, anchor: string): SVGElement {
  const element = svg('text', { x, y, 'text-anchor': anchor });
  element.textContent = text;
  return element;
}
