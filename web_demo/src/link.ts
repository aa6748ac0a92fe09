/** What is shown, as a URL fragment, so that it can be shared. */
import { CODECS, type Codec } from './codecs.ts';
import { MAX_ZOOM, type View, WHOLE } from './view.ts';

/** What the neural picture is compared with. */
export type Rival = 'nothing' | 'original' | Codec;

export interface Shared {
  picture: string;
  subnet: string;
  /** Bytes at which the file is cut, unless a level ends there. */
  bytes?: number;
  view: View;
  rival: Rival;
  split: number;
  difference: boolean;
}

export const RIVALS: readonly Rival[] = ['nothing', 'original', ...CODECS];

export function writeLink({ picture, subnet, bytes, view, rival, split, difference }: Shared): string {
  const parts = new URLSearchParams({ picture, subnet, against: rival });
  if (bytes !== undefined) parts.set('bytes', String(bytes));
  if (view.zoom > 1) {
    // Six digits are accurate to a tenth of a pixel in the largest picture.
    for (const [name, value] of Object.entries(view)) parts.set(name, String(Number(value.toFixed(6))));
  }
  if (split !== 0.5) parts.set('split', String(Number(split.toFixed(3))));
  if (difference) parts.set('show', 'difference');
  return `#${parts}`;
}

/** Reads a link; undefined if it names no picture. Missing or invalid values are replaced by defaults. */
export function readLink(hash: string): (Partial<Shared> & { picture: string }) | undefined {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const picture = parts.get('picture');
  if (!picture) return undefined;
  const number = (name: string, low: number, high: number, usual: number) => {
    const value = Number.parseFloat(parts.get(name) ?? '');
    return value >= low && value <= high ? value : usual;
  };
  const subnet = parts.get('subnet');
  const bytes = number('bytes', 1, 2 ** 30, 0);
  return {
    picture,
    ...(subnet ? { subnet } : {}),
    ...(bytes ? { bytes } : {}),
    view: {
      x: number('x', 0, 1, WHOLE.x),
      y: number('y', 0, 1, WHOLE.y),
      zoom: number('zoom', 1, MAX_ZOOM, WHOLE.zoom),
    },
    rival: RIVALS.find((rival) => rival === parts.get('against')) ?? 'nothing',
    split: number('split', 0, 1, 0.5),
    difference: parts.get('show') === 'difference',
  };
}
