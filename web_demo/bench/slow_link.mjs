/** A slow link between a host of this machine and its browsers, which works alike in all of them. */
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes of a packet. */
const PACKET = 1448;
/** Milliseconds by which timers may be late without bytes being lost. */
const LATE = 5;

/**
 * A link that all answers share: so many megabits a second, and milliseconds until an answer begins. A connection takes as long
 * once more before its first answer.
 * @typedef {{ megabits: number, latency: number }} Link
 */

/** @param {Link} link */
export function slow({ megabits, latency }) {
  const bytesPerMillisecond = megabits * 125;
  /** When the link is free. */
  let free = 0;
  /** Connections. @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  /** When how many bytes were on the wire, headers included. @type {[number, number][]} */
  const log = [];

  /** What an answer goes through. @param {import('node:http').IncomingMessage} request */
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

  /** Bytes on the wire up to then, in milliseconds since 1970. @param {number} when */
  const bytesAt = (when) => log.findLast(([at]) => at <= when)?.[1] ?? 0;

  return { through, bytesAt };
}

/** @param {number} when */
async function until(when) {
  const wait = when - performance.now();
  if (wait > 1) await sleep(wait);
}
