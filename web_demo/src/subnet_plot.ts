/** A plot of quality over bytes, with the subnets as dots and a codec's curve. */
import { paretoFront, type Subnet } from '../neural-img/src/manifest.ts';
import type { Encoded } from './codecs.ts';

const WIDTH = 360;
const HEIGHT = 210;
const MARGIN = { left: 34, right: 14, top: 14, bottom: 26 };
const BYTE_TICKS = [1, 2, 5].flatMap((digit) => [1e2, 1e3, 1e4, 1e5, 1e6].map((power) => digit * power));

type Dot = Pick<Subnet, 'bytes'> & { psnr?: number };

export class SubnetPlot {
  readonly #plot: HTMLElement;
  #subnets: readonly Subnet[] = [];
  #x = scale([1, 2], [0, 1]);
  #y = scale([0, 1], [0, 1]);
  #dots = new Map<string, SVGElement>();
  readonly #rivalLine = svg('polyline', { class: 'rival', 'clip-path': 'url(#inside)' });
  readonly #rivalName = svg('text', { class: 'rival', 'text-anchor': 'end' });

  /** Calls `onPick` with the subnet nearest to a click, and `onPoint` with the one nearest to the pointer, if that is on the plot. */
  constructor(
    plot: HTMLElement,
    onPick: (subnet: Subnet) => void,
    onPoint: (subnet: Subnet | undefined) => void,
  ) {
    this.#plot = plot;
    plot.addEventListener('click', (event) => {
      const nearest = this.#nearest(event);
      if (nearest) onPick(nearest);
    });
    plot.addEventListener('pointermove', (event) => onPoint(this.#nearest(event)));
    plot.addEventListener('pointerleave', () => onPoint(undefined));
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
    const front = paretoFront(subnets);
    this.#dots = new Map(subnets.map((subnet) => [subnet.name, this.#dot(subnet, front.includes(subnet))]));
    const drawing = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
    drawing.append(
      ...this.#ticks(low, high, Math.min(...bytes), Math.max(...bytes)),
      svg('polyline', { class: 'front', points: this.#points(front) }),
      this.#clip(),
      this.#rivalLine,
      this.#rivalName,
      ...this.#dots.values(),
    );
    this.#plot.replaceChildren(drawing);
  }

  /** Marks the subnet that is shown, and the one that is pointed at. */
  mark(chosen: string | undefined, near: string | undefined): void {
    for (const [name, dot] of this.#dots) {
      dot.classList.toggle('chosen', name === chosen);
      dot.classList.toggle('near', name === near);
    }
  }

  /** Draws a codec's curve, or none. */
  compare(name: string, encoded: readonly Encoded[]): void {
    const sorted = [...encoded].sort((a, b) => a.bytes - b.bytes);
    this.#rivalLine.setAttribute('points', this.#points(sorted));
    this.#rivalName.textContent = sorted.length > 0 ? name : '';
    // The name stands where the curve leaves the plot or ends.
    const inside = sorted.filter(
      (one) => this.#y(one.psnr) > MARGIN.top && this.#x(Math.log(one.bytes)) > MARGIN.left,
    );
    const last = inside.at(-1) ?? sorted[0];
    if (!last) return;
    this.#rivalName.setAttribute('x', String(Math.max(this.#x(Math.log(last.bytes)) - 6, MARGIN.left + 34)));
    // Above or below the curve, where there are no dots.
    const beside = this.#subnets.filter(({ bytes }) => bytes <= last.bytes);
    const isBehind = beside.some(({ psnr = 0 }) => psnr > last.psnr);
    this.#rivalName.setAttribute(
      'y',
      String(Math.max(this.#y(last.psnr) + (isBehind ? 22 : -6), MARGIN.top + 8)),
    );
  }

  #dot(subnet: Subnet, isOnFront: boolean): SVGElement {
    const [cx, cy] = this.#at(subnet);
    return svg('circle', { class: isOnFront ? 'dot best' : 'dot', cx, cy, r: 5, 'data-subnet': subnet.name });
  }

  #at({ bytes, psnr = 0 }: Dot): [number, number] {
    return [this.#x(Math.log(bytes)), this.#y(psnr)];
  }

  #points(dots: readonly Dot[]): string {
    return dots.map((dot) => this.#at(dot).join()).join(' ');
  }

  #ticks(low: number, high: number, least: number, most: number): SVGElement[] {
    const step = high - low > 10 ? 4 : 2;
    const levels = Array.from({ length: Math.floor(high / step) }, (_, k) => (k + 1) * step).filter(
      (q) => q >= low,
    );
    const sizes = BYTE_TICKS.filter(
      (bytes) => bytes >= least / 1.1 && bytes <= most * 1.1 && this.#x(Math.log(bytes)) < WIDTH - 36,
    );
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

  /** Clips a codec's curve to the plot, as it may go far above. */
  #clip(): SVGElement {
    const clip = svg('clipPath', { id: 'inside' });
    const { left, top } = MARGIN;
    clip.append(
      svg('rect', { x: left, y: top - 8, width: WIDTH - left, height: HEIGHT - top - MARGIN.bottom + 8 }),
    );
    return clip;
  }

  #nearest({ clientX, clientY }: MouseEvent): Subnet | undefined {
    const distance = ({ name }: Subnet) => {
      const box = this.#dots.get(name)?.getBoundingClientRect() ?? new DOMRect();
      return Math.hypot(clientX - box.left - box.width / 2, clientY - box.top - box.height / 2);
    };
    const [nearest] = [...this.#subnets].sort((a, b) => distance(a) - distance(b));
    return nearest;
  }
}

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
