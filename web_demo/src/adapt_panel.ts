/** The panel where a subnet is chosen: by hand on a map, by a limit for the drawing time, or automatically. */
import type { Subnet } from '../neural-img/src/manifest.ts';
import { automatic, PATIENCE, Pace, withinTime } from './budget.ts';
import type { Encoded } from './codecs.ts';
import { PREVIEW } from './cut.ts';
import { formatDuration } from './format.ts';
import { find } from './page.ts';
import type { Picture } from './picture.ts';
import { SubnetMap } from './subnet_map.ts';

type Chooser = 'hand' | 'time' | 'auto';

/** Steps of the time slider, which have equal ratios; the last one means no limit. */
const STEPS = 40;

export class AdaptPanel {
  readonly #slider = find('time-budget', HTMLInputElement);
  readonly #auto = find('auto', HTMLButtonElement);
  readonly #reason = find('reason', HTMLElement);
  readonly #map: SubnetMap;
  #pace = new Pace();
  #picture: Picture | undefined;
  #chosen: Subnet | undefined;
  #chooser: Chooser = 'auto';
  /** The last choice made here: a file that ends early shows less of it, so an automatic one is not repeated. */
  #asked: Subnet | undefined;
  /** Milliseconds that drawing may take, as set by the slider. */
  #limit = Number.POSITIVE_INFINITY;

  constructor(private readonly onChoice: (subnet: Subnet) => void) {
    this.#map = new SubnetMap((subnet) => this.#take(subnet, 'hand', 'Chosen by hand.'));
    this.#auto.addEventListener('click', () => {
      this.#asked = undefined;
      this.#choose('auto');
    });
    Object.assign(this.#slider, { min: '0', max: String(STEPS), step: '1', value: String(STEPS) });
    this.#slider.addEventListener('input', () => this.#choose('time'));
  }

  /** Shows the picture's subnets and marks the one that is drawn. */
  show(picture: Picture, subnet: Subnet): void {
    const isOther = picture !== this.#picture;
    this.#picture = picture;
    this.#chosen = subnet;
    find('adapt', HTMLElement).hidden = picture.subnets.length < 2;
    if (picture.subnets.length < 2) return;
    if (isOther) {
      this.#map.show(picture.subnets);
      this.#update();
    }
    this.#map.select(subnet.name);
  }

  compare(name: string, encoded: readonly Encoded[]): void {
    this.#map.compare(name, encoded);
  }

  /** Keeps a choice made outside the panel, such as by a link: the automatic choice does not override it. */
  keep(reason: string): void {
    this.#chooser = 'hand';
    this.#say(reason);
  }

  /** The subnet to begin a picture with: the counterpart of the one chosen by hand, else a choice by time or automatically. */
  firstOf(picture: Picture): Subnet | undefined {
    const before = this.#picture?.subnets.length === picture.subnets.length ? this.#picture.subnets : [];
    const sameSize = picture.subnets[before.findIndex(({ name }) => name === this.#chosen?.name)];
    if (this.#chooser === 'hand' && sameSize) return sameSize;
    const chooser = this.#chooser === 'time' ? 'time' : 'auto';
    const judgement = this.#judge(picture, chooser);
    this.#chooser = chooser;
    this.#asked = judgement?.subnet;
    this.#say(judgement?.reason ?? '');
    return judgement?.subnet;
  }

  /** Records the time of a pass after warm-up, from which those of all subnets are estimated, and repeats an automatic choice. */
  learn(subnet: Subnet, millisecondsPerPixel: number): void {
    if (subnet.name === PREVIEW) return;
    this.#pace.record(subnet, millisecondsPerPixel);
    this.#update();
    if (this.#chooser === 'auto') this.#choose('auto');
  }

  /** Drops all measured times, as another decoder draws from now on. */
  forget(): void {
    this.#pace = new Pace();
  }

  #update(): void {
    if (!this.#picture || !this.#pace.measured) return;
    this.#slider.disabled = false;
    this.#map.time((subnet) => this.#millisecondsOf(subnet), this.#patience());
  }

  #patience(): number {
    return { hand: Number.POSITIVE_INFINITY, time: this.#limit, auto: PATIENCE }[this.#chooser];
  }

  #choose(chooser: 'time' | 'auto'): void {
    if (!this.#picture) return;
    const step = this.#slider.valueAsNumber;
    const [low, high] = this.#range(this.#picture);
    this.#limit = step === STEPS ? Number.POSITIVE_INFINITY : low * (high / low) ** (step / STEPS);
    const text = step === STEPS ? 'any time' : `up to ${formatDuration(this.#limit)}`;
    find('time-limit', HTMLElement).textContent = text;
    this.#slider.setAttribute('aria-valuetext', text);
    const judgement = this.#judge(this.#picture, chooser);
    if (judgement) this.#take(judgement.subnet, chooser, judgement.reason);
  }

  #judge(picture: Picture, chooser: 'time' | 'auto'): { subnet: Subnet; reason: string } | undefined {
    const millisecondsOf = (subnet: Subnet) => this.#millisecondsOf(subnet, picture);
    if (chooser === 'auto') {
      const known = this.#pace.measured ? millisecondsOf : undefined;
      return automatic(picture.subnets, picture, { savesData: savesData(), millisecondsOf: known });
    }
    const choice = withinTime(picture.subnets, this.#limit, millisecondsOf);
    if (!choice) return undefined;
    const time = formatDuration(millisecondsOf(choice.subnet));
    const reason = choice.fits
      ? `The best that is drawn in time, in about ${time}.`
      : `The quickest: about ${time}.`;
    return { subnet: choice.subnet, reason };
  }

  /** Milliseconds that the fastest and the slowest subnet take. */
  #range({ subnets }: Picture): [number, number] {
    const times = subnets.map((subnet) => this.#millisecondsOf(subnet));
    return [Math.min(...times) || 1, Math.max(...times) || 2];
  }

  #take(subnet: Subnet, chooser: Chooser, reason: string): void {
    const isShown = subnet.name === this.#chosen?.name && subnet.bytes === this.#chosen.bytes;
    const isRepeated = chooser === 'auto' && subnet === this.#asked;
    this.#asked = subnet;
    this.#chooser = chooser;
    this.#chosen = subnet;
    this.#say(reason);
    this.#update();
    if (!isShown && !isRepeated) this.onChoice(subnet);
  }

  #say(reason: string): void {
    this.#auto.ariaPressed = String(this.#chooser === 'auto');
    this.#reason.textContent = reason;
  }

  /** Estimates the time for the whole picture at native size. */
  #millisecondsOf(subnet: Subnet, picture = this.#picture): number {
    const { width, height } = picture ?? { width: 0, height: 0 };
    return this.#pace.estimate(subnet, width * height);
  }
}

function savesData(): boolean {
  const { connection } = navigator as Navigator & { connection?: { saveData?: boolean } };
  return connection?.saveData === true;
}
