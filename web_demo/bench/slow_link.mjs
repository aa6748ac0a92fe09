/** Simulates a slow link between a host on this machine and its browsers, in the host, so that it is the same for all browsers. */
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes of a packet (TCP's usual payload over Ethernet). */
const PACKET = 1448;
/** Milliseconds by which timers may be late without lowering the throughput. */
const LATE = 5;

/**
 * A link that all responses share: megabits per second, and milliseconds until a response begins. The first response of a
 * connection takes this latency twice.
 * @typedef {{ megabits: number, latency: number }} Link
 */

/** @param {Link} link */
export function slow({ megabits, latency }) {
  const bytesPerMillisecond = megabits * 125;
  /** Time at which the link is free, as of `performance.now()`. */
  let free = 0;
  /** The connections so far. @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  /** Pairs of a time, as of `Date.now()`, and the bytes sent until then, including headers. @type {[number, number][]} */
  const log = [];

  /** Returns the stream that delays a response. @param {import('node:http').IncomingMessage} request */
  function through({ socket }) {
    const start = performance.now() + latency * (sockets.has(socket) ? 1 : 2);
    sockets.add(socket);
    return new Transform({
      async transform(chunk, _, done) {
        await until(start);
        for (let at = 0; at < chunk.length; at += PACKET) {
          const packet = chunk.subarray(at, at + PACKET);
          free = Math.max(free, performance.now() - LATE) + packet.length / bytesPerMillisecond;
          await until(free);
          this.push(packet);
          log.push([Date.now(), [...sockets].reduce((all, { bytesWritten }) => all + bytesWritten, 0)]);
        }
        done();
      },
    });
  }

  /** Bytes sent up to a time in milliseconds since 1970. @param {number} when */
  const bytesAt = (when) => log.findLast(([at]) => at <= when)?.[1] ?? 0;

  return { through, bytesAt };
}

/** Waits until a time, as of `performance.now()`. @param {number} when */
async function until(when) {
  const wait = when - performance.now();
  if (wait > 1) await sleep(wait);
}
