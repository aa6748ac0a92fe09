/** A host of one file for tests: they control how much it sends and how it answers Range requests, and it records both. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Bytes that are sent at once. */
const PIECE = 500;

/** A request of the browser, and what was sent. */
export interface Asked {
  range: string | undefined;
  ifRange: string | undefined;
  /** Bytes of the file that were sent. */
  sent: number;
  /** Whether the browser ended the request before all was sent. */
  isGivenUp: boolean;
}

export interface RangeHost {
  url: string;
  asked: Asked[];
  /** A test may change this, and all that follows, at any time. */
  file: Buffer;
  etag: string | undefined;
  ranges: 'known' | 'ignored' | 'refused';
  /** Position from which on nothing is sent until a test raises it. */
  allowed: number;
  /** Position at which the connection breaks. */
  breaksAt: number;
  /** Milliseconds between pieces. */
  pause: number;
  close(): void;
}

export async function startRangeHost(file: Buffer): Promise<RangeHost> {
  const server = createServer((request, response) => void answer(host, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host: RangeHost = {
    url: `http://localhost:${(server.address() as AddressInfo).port}/photo.anir`,
    asked: [],
    file,
    etag: '"1"',
    ranges: 'known',
    allowed: Number.POSITIVE_INFINITY,
    breaksAt: Number.POSITIVE_INFINITY,
    pause: 0,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return host;
}

async function answer(host: RangeHost, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { file, ranges, etag } = host;
  const { range, 'if-range': condition } = request.headers;
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Expose-Headers', 'ETag, Content-Range');
  response.setHeader('Access-Control-Allow-Headers', 'Range');
  response.setHeader('Cache-Control', 'no-store');
  if (request.method === 'OPTIONS') return void response.end();
  const asked: Asked = { range, ifRange: condition as string | undefined, sent: 0, isGivenUp: false };
  host.asked.push(asked);
  if (etag) response.setHeader('ETag', etag);
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  const isPart = from !== undefined && ranges !== 'ignored' && (!condition || condition === etag);
  if (isPart && (ranges === 'refused' || Number(from) >= file.length))
    return void response.writeHead(416).end();
  const [start, end] = isPart ? [Number(from), to ? Number(to) + 1 : file.length] : [0, file.length];
  if (isPart) response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${file.length}`);
  response.writeHead(isPart ? 206 : 200, { 'Content-Length': Math.min(end, file.length) - start });
  response.flushHeaders();
  response.on('close', () => {
    asked.isGivenUp = !response.writableEnded;
  });
  for (let at = start; at < Math.min(end, file.length) && !response.destroyed; ) {
    const next = Math.min(at + PIECE, end, host.allowed, host.breaksAt);
    if (next > at) response.write(file.subarray(at, next));
    asked.sent += Math.max(0, next - at);
    at = Math.max(next, at);
    if (at >= host.breaksAt) return void response.destroy();
    await new Promise((resolve) => setTimeout(resolve, at < host.allowed ? host.pause : 5));
  }
  response.end();
}
