/** Opens pages with `<neural-img>` that show the `.anir` file of a host which tests control. */
import { expect, onTestFinished } from 'vitest';
import { readHeader } from '../../neural-img/src/anir_header.ts';
import type { Refinement } from '../../neural-img/src/index.ts';
import { ofElement, openPage, type PageOptions, SCRIPT, type Site } from './element_page.ts';
import { read, stream } from './fixtures.ts';
import { type RangeHost, startRangeHost } from './range_host.ts';

export const FILE = read(stream);
export const { levels, start: headerBytes } = readHeader(FILE);
/** Bytes of the file up to the end of a level, counted from 1. */
export const endOf = (level: number) => levels[level - 1]?.end ?? 0;
/** The number, from 1, of the first level of at least a PSNR at full, half or quarter size (0, 1 or 2 halvings). */
export const levelOf = (psnr: number, halvings: 0 | 1 | 2) =>
  levels.findIndex((level) => level.psnr[halvings] >= psnr) + 1;

/** Polls until an expectation holds. */
export const soon = <T>(told: () => Promise<T> | T) => expect.poll(told, { timeout: 20_000 });

declare global {
  interface Window {
    /** The events of elements: id, type, and detail or message. */
    told: [string, string, Refinement | string | null][];
  }
}

/** A script that records events; it comes before all others. */
const LISTEN = `<script>
  window.told = [];
  for (const type of ['refine', 'load', 'error'])
    document.addEventListener(type, ({ target, detail, message }) => {
      if (target.localName === 'neural-img') told.push([target.id, type, message ?? detail ?? null]);
    }, true);
</script>`;

export interface StreamOptions extends PageOptions {
  prepare?: (host: RangeHost) => void;
  /** Makes the body of the page from the file's URL. */
  body?: (url: string) => string;
}

export async function openStream(site: Site, attributes: string, options: StreamOptions = {}) {
  const { prepare, head = '', body, ...others } = options;
  const host = await startRangeHost(FILE);
  onTestFinished(host.close);
  prepare?.(host);
  const element = `<neural-img src="${host.url}" alt="A" ${attributes}></neural-img>`;
  const { page, trouble } = await openPage(site, body?.(host.url) ?? element, {
    ...others,
    head: head + LISTEN + SCRIPT,
  });
  const told = () => page.evaluate(() => window.told);
  /** Levels that `refine` events reported. */
  const refined = async () =>
    (await told()).flatMap(([, type, detail]) => (type === 'refine' ? (detail as Refinement).level : []));
  const level = async () => (await refined()).at(-1);
  const errors = async () => (await told()).flatMap(([, type, message]) => (type === 'error' ? message : []));
  const bytes = () => ofElement(page, ({ bytesLoaded }) => bytesLoaded);
  return { host, page, trouble, told, refined, level, errors, bytes };
}
