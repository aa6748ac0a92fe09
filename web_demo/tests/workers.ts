/** Stand-ins for the decoder's other workers, in the thread of the test. */
import { help } from '../neural-img/src/help.ts';
import type { Connect } from '../neural-img/src/shared_strips.ts';
import { CODER_MODULE } from './kernels.ts';

/** Makes ports to at most `helpers` workers; `answer` is given the other end of each port. */
export const connectTo =
  (helpers: number, answer = (port: MessagePort) => help(port, CODER_MODULE)): Connect =>
  (most) =>
    Array.from({ length: Math.min(most, helpers) }, () => {
      const { port1, port2 } = new MessageChannel();
      answer(port2);
      return port1;
    });
