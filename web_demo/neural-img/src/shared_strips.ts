/** Decodes the strips of a large picture in several workers in parallel. */
import type { Header } from './anir_header.ts';
import type { Coder } from './coder.ts';
import { type StripCommand, take } from './help.ts';
import { stripStarts } from './segments.ts';
import { type Known, Strips } from './strips.ts';

/** Returns ports to at most `most` other workers, each of which serves its port with `help`. */
export type Connect = (most: number) => MessagePort[];

/** Milliseconds that a helper may be silent: it may have to draw a part of another picture first. */
const PATIENCE = 10_000;

/**
 * All strips of a picture: the first ones are decoded in this worker, the others by helpers, each at the other end of a port. If a
 * helper fails or is silent for too long, this worker decodes the helpers' strips, too.
 */
export class SharedStrips {
  readonly #here: Strips[];
  #ports: MessagePort[];
  /** Starts decoding the helpers' strips in this worker. */
  readonly #others: () => Strips;
  /** The steps that the helpers were sent, to be repeated here if they fail. */
  readonly #steps: StripCommand[] = [];

  /** Takes the same arguments as `Strips`; `connect` returns the ports to helpers. */
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

  /** Takes a step in all strips; returns its result in the strips that were decoded here from the start. */
  take(...step: StripCommand): unknown {
    for (const port of this.#ports) port.postMessage(step);
    if (this.#ports.length > 0) this.#steps.push(step);
    return this.#here.map((strips) => take(strips, step))[0];
  }

  /** Waits for the helpers and returns the state of all strips. */
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

  /** Releases the helpers. */
  end(): void {
    for (const port of this.#ports) {
      port.postMessage(['end']);
      port.close();
    }
    this.#ports = [];
  }

  /** Decodes the helpers' strips here, by the steps so far. */
  #takeOver(): void {
    this.end();
    const others = this.#others();
    for (const step of this.#steps) take(others, step);
    this.#here.push(others);
  }
}

/** Asks a helper for the state of its strips; resolves to undefined if it has failed, or is silent for PATIENCE. */
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
