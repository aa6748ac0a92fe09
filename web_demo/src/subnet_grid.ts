import { formatBytes, formatQuality, formatRate } from './format.ts';
import { paretoFront, type Subnet } from './samples.ts';

/** The subnets as a table of radio buttons: a row for each depth, a column for each width. */
export class SubnetGrid {
  #subnets: Subnet[] = [];
  #front = new Set<Subnet>();

  constructor(
    private readonly container: HTMLElement,
    onPick: (subnet: Subnet) => void,
  ) {
    container.addEventListener('change', ({ target }) => {
      const subnet = this.#subnets.find(({ name }) => name === (target as HTMLInputElement).value);
      if (subnet) onPick(subnet);
    });
    container.addEventListener('keydown', (event) => this.#moveByRow(event));
  }

  show(subnets: Subnet[]): void {
    this.#subnets = subnets;
    this.#front = paretoFront(subnets);
    const depths = distinct(subnets.map(({ depth }) => depth));
    const widths = distinct(subnets.map(({ width }) => width));
    this.container.style.setProperty('--columns', String(widths.length));
    this.container.replaceChildren(
      element('span', 'corner', ''),
      ...widths.map((width) => element('span', 'column', `${width} wide`)),
      ...depths.flatMap((depth) => [
        element('span', 'row', `${depth} layers`),
        ...widths.map((width) => this.#cellAt(depth, width)),
      ]),
    );
  }

  /** Marks the subnet on show, or none. */
  select(name: string | undefined): void {
    for (const radio of this.#radios()) radio.checked = radio.value === name;
  }

  #cellAt(depth: number, width: number): HTMLElement {
    const subnet = this.#subnets.find((candidate) => candidate.depth === depth && candidate.width === width);
    if (!subnet) return element('span', 'missing', '');
    const cell = element('label', 'cell', '');
    cell.append(
      this.#radio(subnet),
      element('b', '', formatBytes(subnet.bytes)),
      element('span', '', formatQuality(subnet.psnr)),
      element('span', '', formatRate(subnet.bpp)),
    );
    cell.classList.toggle('front', this.#front.has(subnet));
    cell.style.setProperty(
      '--size',
      String(subnet.bytes / Math.max(...this.#subnets.map(({ bytes }) => bytes))),
    );
    cell.style.setProperty('--quality', String(this.#relativeQuality(subnet)));
    return cell;
  }

  #radio(subnet: Subnet): HTMLInputElement {
    const radio = document.createElement('input');
    const onFront = this.#front.has(subnet) ? ', best for its size' : '';
    radio.type = 'radio';
    radio.name = 'subnet';
    radio.value = subnet.name;
    radio.ariaLabel =
      `${subnet.depth} layers, ${subnet.width} wide: ${formatBytes(subnet.bytes)}, ` +
      `${formatQuality(subnet.psnr)}, ${subnet.bpp.toFixed(2)} bits per pixel${onFront}`;
    return radio;
  }

  /** From 0, the worst of the sixteen, to 1, the best. */
  #relativeQuality({ psnr }: Subnet): number {
    const all = this.#subnets.map((subnet) => subnet.psnr);
    const worst = Math.min(...all);
    return (psnr - worst) / (Math.max(...all) - worst || 1);
  }

  /** Left and right are the browser's own; up and down would go to the neighbour instead of the row. */
  #moveByRow(event: KeyboardEvent): void {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const from = this.#subnets.find(({ name }) => name === (event.target as HTMLInputElement).value);
    if (!step || !from) return;
    event.preventDefault();
    const column = this.#subnets
      .filter(({ width }) => width === from.width)
      .sort((a, b) => a.depth - b.depth);
    const to = column[column.indexOf(from) + step];
    const radio = this.#radios().find(({ value }) => value === to?.name);
    radio?.focus();
    radio?.click();
  }

  #radios(): HTMLInputElement[] {
    return [...this.container.querySelectorAll('input')];
  }
}

const distinct = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);

function element(tag: string, className: string, text: string): HTMLElement {
  const created = document.createElement(tag);
  created.className = className;
  created.textContent = text;
  return created;
}
