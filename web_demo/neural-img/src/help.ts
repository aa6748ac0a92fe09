/** How one worker decodes strips of a large picture for another, as a port tells it. */
import type { Header } from './anir_header.ts';
import { type Range, Strips } from './strips.ts';

/** A method of `Strips`, and what it takes. */
export type Step =
  | ['feed', data: Uint8Array]
  | ['level', width: number]
  | ['check' | 'keep' | 'restore' | 'end'];
/** What a port tells: to begin, as `Strips` do, steps, and to say what is known. */
export type Order = ['begin', [Header, Uint8Array, Range]] | Step | ['known'];

/** Takes a step. */
export const take = (strips: Strips, [name, argument]: Step) => strips[name](argument as never);

/** Does what a port tells. Each answer is what is known, if that is asked for, or else true; from trouble on there is none in it. */
export function help(port: MessagePort, module: WebAssembly.Module): void {
  let strips: Strips | undefined;
  port.onmessage = ({ data: order }: MessageEvent<Order>) => {
    try {
      if (order[0] === 'begin') strips = new Strips(module, ...order[1]);
      else if (order[0] !== 'known') take(strips as Strips, order);
      const known = order[0] === 'known' && (strips as Strips).known();
      port.postMessage(known || true, known ? known.values.map(({ buffer }) => buffer) : []);
    } catch {
      // There is nothing with which steps that follow could be taken.
      strips = undefined;
      port.postMessage(undefined);
    }
  };
}
