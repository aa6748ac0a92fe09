/** Strips of a large picture that several workers decode side by side. */
import type { Header } from './anir_header.ts';
import type { Coder } from './coder.ts';
import { type Step, take } from './help.ts';
import { stripStarts } from './segments.ts';
import { type Known, Strips } from './strips.ts';

/** Gives ports to other workers that `help`: as many as there are, but not more than that. */
export type Connect = (most: number) => MessagePort[];

/** Milliseconds for which others may say nothing: they may have to draw a part of another picture first. */
const PATIENCE = 10_000;

/** All strips of a picture: the first ones are decoded here, others where ports lead; here, too, if somebody does not answer there. */
export class SharedStrips {
  readonly #here: Strips[];
  #ports: MessagePort[];
  /** Begins with what the others decode. */
  readonly #others: () => Strips;
  /** What they were told. */
  readonly #steps: Step[] = [];

  /** As `Strips` begin. */
  constructor(module: WebAssembly.Module, header: Header, data: Uint8Array, connect: Connect) {
    const strips = stripStarts(header).length - 1;
    const ports = connect(strips - 1);
    const from = (share: number) => Math.floor((strips * share) / (ports.length + 1));
    this.#here = [new Strips(module, header, data, [0, from(1)])];
    this.#others = () => new Strips(module, header, data, [from(1)]);
    for (const [i, port] of ports.entries())
      port.postMessage(['begin', [header, data, [from(i + 1), from(i + 2)]]]);
    this.#ports = ports;
  }

  /** The decoder of the first strip. */
  get first(): Coder {
    return (this.#here[0] as Strips).first;
  }

  /** Takes a step; what it gives of the first strips. */
  take(...step: Step): unknown {
    for (const port of this.#ports) port.postMessage(step);
    if (this.#ports.length > 0) this.#steps.push(step);
    return this.#here.map((strips) => take(strips, step))[0];
  }

  /** What is known of all strips, once the others have come as far. */
  async known(): Promise<Known> {
    let others = await Promise.all(this.#ports.map(ask));
    if (!others.every(Boolean)) {
      this.#takeOver();
      others = [];
    }
    const all = [...this.#here.map((strips) => strips.known()), ...(others as Known[])];
    return {
      right: Math.min(...all.map(({ right }) => right)),
      values: all.flatMap(({ values }) => values),
    };
  }

  /** Lets the others forget what they know. */
  end(): void {
    for (const port of this.#ports) {
      port.postMessage(['end']);
      port.close();
    }
    this.#ports = [];
  }

  #takeOver(): void {
    this.end();
    const others = this.#others();
    for (const step of this.#steps) take(others, step);
    this.#here.push(others);
  }
}

/** What is known where a port leads; nothing if there is trouble, or no answer for long. */
function ask(port: MessagePort): Promise<Known | undefined> {
  port.postMessage(['known']);
  return new Promise((resolve) => {
    const wait = () => setTimeout(resolve, PATIENCE);
    let timer = wait();
    port.onmessage = ({ data }) => {
      clearTimeout(timer);
      if (data === true) timer = wait();
      else resolve(data);
    };
  });
}
