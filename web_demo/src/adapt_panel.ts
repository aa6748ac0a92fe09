/** The choice of a subnet: by hand on the map, by two budgets, or by the device itself. */

import type { Subnet } from '../neural-img/src/manifest.ts';
import { automatic, type Budgets, type Connection, choose, isWithin, Pace } from './budget.ts';
import { formatBytes, formatDuration } from './format.ts';
import type { Pass } from './neural_layer.ts';
import { find } from './page.ts';
import type { Encoded, Picture } from './picture.ts';
import { SubnetMap } from './subnet_map.ts';

type Chooser = 'hand' | 'budgets' | 'auto';

/** Sliders count in steps of equal ratio; the last one means no limit. */
const STEPS = 40;

export class AdaptPanel {
  readonly #bytes = new BudgetSlider('bytes', formatBytes, 'any size', () => this.#choose('budgets'));
  readonly #time = new BudgetSlider('time', formatDuration, 'any time', () => this.#choose('budgets'));
  readonly #auto = find('auto', HTMLButtonElement);
  readonly #reason = find('reason', HTMLElement);
  readonly #map: SubnetMap;
  readonly #pace = new Pace();
  #picture: Picture | undefined;
  #chosen: Subnet | undefined;
  #chooser: Chooser = 'auto';

  constructor(private readonly onChoice: (subnet: Subnet) => void) {
    this.#map = new SubnetMap(
      (subnet) => this.#take(subnet, 'hand', 'Chosen by hand.'),
      (subnet) => (this.#pace.measured ? ` · about ${formatDuration(this.#millisecondsOf(subnet))}` : ''),
    );
    this.#auto.addEventListener('click', () => this.#choose('auto'));
    connection()?.addEventListener?.('change', () => this.#chooser === 'auto' && this.#choose('auto'));
  }

  /** Lists the subnets of the picture on show and marks the one that is drawn. */
  show(picture: Picture, subnet: Subnet): void {
    const isOther = picture !== this.#picture;
    this.#picture = picture;
    this.#chosen = subnet;
    find('adapt', HTMLElement).hidden = picture.subnets.length < 2;
    if (picture.subnets.length < 2) return;
    if (isOther) {
      this.#bytes.span(picture.subnets.map(({ bytes }) => bytes));
      this.#map.show(picture.subnets);
      this.#update();
      if (this.#pace.measured && this.#chooser !== 'hand') this.#choose(this.#chooser);
    }
    this.#map.select(subnet.name);
  }

  compare(name: string, encoded: readonly Encoded[]): void {
    this.#map.compare(name, encoded);
  }

  /** A link names its subnet, so the device does not choose another one. */
  keep(): void {
    this.#chooser = 'hand';
    this.#say('Chosen by the link.');
  }

  /**
   * Where to begin with another picture: with the size that was chosen by hand, or with what the budgets say.
   * Before anything was decoded that is the smallest, which then tells how fast this device is.
   */
  firstOf(picture: Picture): Subnet | undefined {
    const before = this.#picture?.subnets.length === picture.subnets.length ? this.#picture.subnets : [];
    const sameSize = picture.subnets[before.findIndex(({ name }) => name === this.#chosen?.name)];
    if (this.#chooser === 'hand' && sameSize) return sameSize;
    if (!this.#pace.measured) return [...picture.subnets].sort((a, b) => a.bytes - b.bytes)[0];
    const pixels = picture.width * picture.height;
    return choose(picture.subnets, this.#budgets(), (subnet) => this.#pace.estimate(subnet, pixels))?.subnet;
  }

  /** Learns from a decode how long others take; the first one lets the device choose. */
  learn(subnet: Subnet, pass: Pass): void {
    const isFirst = !this.#pace.measured;
    this.#pace.record(subnet, pass);
    this.#update();
    if (isFirst && this.#chooser !== 'hand') this.#choose(this.#chooser);
  }

  #update(): void {
    if (!this.#picture || this.#picture.subnets.length < 2) return;
    this.#time.span(this.#picture.subnets.map((subnet) => this.#millisecondsOf(subnet)));
    this.#limit();
  }

  #choose(chooser: Chooser): void {
    if (!this.#picture || this.#picture.subnets.length < 2) return;
    const auto = chooser === 'auto' ? automatic(connection()) : undefined;
    if (auto) {
      this.#bytes.limit = auto.budgets.bytes;
      this.#time.limit = auto.budgets.milliseconds;
    }
    const budgets = auto?.budgets ?? this.#budgets();
    const choice = choose(this.#picture.subnets, budgets, (subnet) => this.#millisecondsOf(subnet));
    if (!choice) return;
    const outcome = choice.fits ? 'This is the best that fits.' : 'Nothing fits; this comes nearest.';
    this.#take(choice.subnet, chooser, auto ? `${auto.reason} ${outcome}` : outcome);
  }

  #take(subnet: Subnet, chooser: Chooser, reason: string): void {
    const isOther = subnet !== this.#chosen;
    this.#chooser = chooser;
    this.#chosen = subnet;
    this.#say(reason);
    this.#limit();
    if (isOther) this.onChoice(subnet);
  }

  #say(reason: string): void {
    this.#auto.ariaPressed = String(this.#chooser === 'auto');
    this.#reason.textContent = reason;
  }

  #limit(): void {
    const budgets = this.#chooser === 'hand' ? { bytes: Infinity, milliseconds: Infinity } : this.#budgets();
    this.#map.limit(budgets.bytes, (subnet) => isWithin(subnet, budgets, this.#millisecondsOf(subnet)));
  }

  #budgets(): Budgets {
    return { bytes: this.#bytes.limit, milliseconds: this.#time.limit };
  }

  /** For the whole picture at its own size. */
  #millisecondsOf(subnet: Subnet): number {
    const { width, height } = this.#picture ?? { width: 0, height: 0 };
    return this.#pace.estimate(subnet, width * height);
  }
}

/** A slider for an upper limit, from what the least of the subnets needs to what all do. */
class BudgetSlider {
  readonly #input: HTMLInputElement;
  readonly #output: HTMLElement;
  #limit = Infinity;
  #low = 1;
  #high = 2;

  constructor(
    id: string,
    private readonly format: (value: number) => string,
    private readonly unlimited: string,
    onInput: () => void,
  ) {
    this.#input = find(`${id}-budget`, HTMLInputElement);
    this.#output = find(`${id}-limit`, HTMLElement);
    Object.assign(this.#input, { min: '0', max: String(STEPS), step: '1' });
    this.#input.addEventListener('input', () => {
      const step = this.#input.valueAsNumber;
      this.limit = step === STEPS ? Infinity : this.#low * (this.#high / this.#low) ** (step / STEPS);
      onInput();
    });
  }

  get limit(): number {
    return this.#limit;
  }

  set limit(value: number) {
    this.#limit = value;
    const share = Math.log(value / this.#low) / Math.log(this.#high / this.#low);
    this.#input.value = String(Math.round(Math.min(Math.max(share || 0, 0), 1) * STEPS));
    this.#output.textContent = value === Infinity ? this.unlimited : `up to ${this.format(value)}`;
    this.#input.setAttribute('aria-valuetext', this.#output.textContent);
  }

  /** Spans the slider over what the subnets need; the limit stays. */
  span(needs: readonly number[]): void {
    this.#low = Math.min(...needs) || 1;
    this.#high = Math.max(...needs) || 2;
    this.limit = this.#limit;
  }
}

function connection(): (Connection & Partial<EventTarget>) | undefined {
  return (navigator as Navigator & { connection?: Connection & EventTarget }).connection;
}
