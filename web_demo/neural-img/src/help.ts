/** A worker's help with the strips of a large picture: it decodes some for another worker, which sends orders through a port. */
import type { Header } from './anir_header.ts';
import { type Range, Strips } from './strips.ts';

/** A method of `Strips` with its argument. */
export type StripCommand =
  | ['feed', data: Uint8Array]
  | ['level', width: number]
  | ['check' | 'keep' | 'restore' | 'end'];
/** A message to a helper: `begin` with the arguments of a new `Strips`, a step, or `known`, which asks for the state. */
type Order = ['begin', [Header, Uint8Array, Range]] | StripCommand | ['known'];

/** Calls the step's method with its argument. */
export const take = (strips: Strips, [name, argument]: StripCommand) => strips[name](argument as never);

/** Carries out the orders of a port. Answers each with the state if it asks for that, else with true; with undefined after a failure. */
export function help(port: MessagePort, module: WebAssembly.Module): void {
  let strips: Strips | undefined;
  port.onmessage = ({ data: order }: MessageEvent<Order>) => {
    try {
      if (order[0] === 'begin') strips = new Strips(module, ...order[1]);
      else if (order[0] !== 'known') take(strips as Strips, order);
      const known = order[0] === 'known' && (strips as Strips).known();
      port.postMessage(known || true, known ? known.values.map(({ buffer }) => buffer) : []);
    } catch {
      // All further steps fail, too, as there is nothing to take them with.
      strips = undefined;
      port.postMessage(undefined);
    }
  };
}
