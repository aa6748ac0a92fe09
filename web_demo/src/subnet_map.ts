/** The subnets as a grid, with bytes, quality and time for each depth and width, and as dots in a plot. */
import { paretoFront, type Subnet } from '../neural-img/src/manifest.ts';
import type { Encoded } from './codecs.ts';
import { formatBytes, formatDuration, formatQuality } from './format.ts';
import { create, find } from './page.ts';
import { SubnetPlot } from './subnet_plot.ts';

export class SubnetMap {
  readonly #grid = find('grid', HTMLElement);
  readonly #readout = find('readout', HTMLElement);
  readonly #plot: SubnetPlot;
  #subnets: readonly Subnet[] = [];
  #millisecondsOf: ((subnet: Subnet) => number) | undefined;

  constructor(onPick: (subnet: Subnet) => void) {
    const point = (subnet?: Subnet) => this.#read(subnet);
    this.#plot = new SubnetPlot(find('plot', HTMLElement), (subnet) => this.#radioOf(subnet)?.click(), point);
    // A click on the chosen subnet counts, too, as the file may be cut beyond its end.
    this.#grid.addEventListener('click', ({ target }) => {
      const picked = target instanceof HTMLInputElement && this.#named(target.value);
      if (picked) onPick(picked);
    });
    this.#grid.addEventListener('keydown', (event) => this.#key(event));
    this.#grid.addEventListener('pointerover', ({ target }) => point(this.#named(nameIn(target as Element))));
    this.#grid.addEventListener('pointerleave', () => point());
  }

  show(subnets: readonly Subnet[]): void {
    this.#subnets = subnets;
    this.#plot.show(subnets);
    const [depths, widths] = [this.#rows(), [...new Set(subnets.map(({ width }) => width))].sort(ascending)];
    this.#grid.style.setProperty('--columns', String(widths.length));
    const heads = widths.map((width) => create('span', { className: 'head' }, `${width} wide`));
    const rows = depths.flatMap((row) => [
      create('span', { className: 'head' }, `${row[0]?.depth} layers`),
      ...widths.map((width) => {
        const subnet = row.find((one) => one.width === width);
        return subnet ? this.#cell(subnet) : create('span');
      }),
    ]);
    this.#grid.replaceChildren(create('span'), ...heads, ...rows);
  }

  /** Marks the subnet that is shown. */
  select(name: string): void {
    for (const radio of this.#radios()) radio.checked = radio.value === name;
    this.#read();
  }

  compare(name: string, encoded: readonly Encoded[]): void {
    this.#plot.compare(name, encoded);
  }

  /** Shows how long each subnet takes to draw, and fades those that take longer than `limit` milliseconds. */
  time(millisecondsOf: (subnet: Subnet) => number, limit: number): void {
    this.#millisecondsOf = millisecondsOf;
    for (const radio of this.#radios()) {
      const subnet = this.#named(radio.value);
      const cell = radio.parentElement;
      if (!subnet || !cell) continue;
      const milliseconds = millisecondsOf(subnet);
      const time = cell.querySelector('.time');
      if (time) time.textContent = formatDuration(milliseconds);
      cell.classList.toggle('beyond', milliseconds > limit);
    }
    this.#read();
  }

  #rows(): Subnet[][] {
    const depths = [...new Set(this.#subnets.map(({ depth }) => depth))].sort(ascending);
    return depths.map((depth) =>
      this.#subnets.filter((subnet) => subnet.depth === depth).sort((a, b) => a.width - b.width),
    );
  }

  #cell(subnet: Subnet): HTMLElement {
    const isBest = paretoFront(this.#subnets).includes(subnet);
    const radio = create('input', { type: 'radio', name: 'subnet', value: subnet.name });
    radio.ariaLabel = `${describe(subnet)}${isBest ? ', best for its size' : ''}`;
    const facts = [formatBytes(subnet.bytes), formatQuality(subnet.psnr ?? 0)];
    const spans = facts.map((fact) => create('span', {}, fact));
    const time = create('span', { className: 'time' });
    return create('label', { className: isBest ? 'cell best' : 'cell' }, radio, ...spans, time);
  }

  /** Describes `subnet`, by default the one that is shown, below the map. */
  #read(subnet?: Subnet): void {
    const chosen = this.#radios().find(({ checked }) => checked)?.value;
    const described = subnet ?? this.#named(chosen);
    this.#plot.mark(chosen, subnet?.name);
    this.#readout.textContent = '';
    if (!described) return;
    const time = this.#millisecondsOf ? ` · about ${formatDuration(this.#millisecondsOf(described))}` : '';
    this.#readout.textContent = `${describe(described)}${time}`;
  }

  /** Moves with the arrow keys in the grid, in which depth grows downwards and width to the right. */
  #key(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowRight: [0, 1],
      ArrowLeft: [0, -1],
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const rows = this.#rows();
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
    return [...this.#grid.querySelectorAll('input')];
  }
}

const nameIn = (element: Element) => element.closest('label')?.querySelector('input')?.value;
const ascending = (a: number, b: number) => a - b;
const describe = ({ depth, width, bytes, psnr = 0 }: Subnet) =>
  `${depth} layers × ${width} · ${formatBytes(bytes)} · ${formatQuality(psnr)}`;
