/** A view as the part of an address after the #, so that it can be shared. */
import { CODECS, type Codec } from './picture.ts';
import { MAX_ZOOM, type View, WHOLE } from './view.ts';

export type Rival = 'original' | Codec;

export interface Shared {
  picture: string;
  subnet: string;
  view: View;
  rival: Rival;
  split: number;
  difference: boolean;
}

export const RIVALS: readonly Rival[] = ['original', ...CODECS];

export function writeLink({ picture, subnet, view, rival, split, difference }: Shared): string {
  const parts = new URLSearchParams({ picture, subnet, against: rival });
  if (view.zoom > 1) {
    // Enough for a tenth of a pixel of the largest picture.
    for (const [name, value] of Object.entries(view)) parts.set(name, String(Number(value.toFixed(6))));
  }
  if (split !== 0.5) parts.set('split', String(Number(split.toFixed(3))));
  if (difference) parts.set('show', 'difference');
  return `#${parts}`;
}

/** Reads a link, or nothing from one that names no picture; what it leaves out or gets wrong has its usual value. */
export function readLink(hash: string): (Partial<Shared> & { picture: string }) | undefined {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const picture = parts.get('picture');
  if (!picture) return undefined;
  const number = (name: string, low: number, high: number, usual: number) => {
    const value = Number.parseFloat(parts.get(name) ?? '');
    return value >= low && value <= high ? value : usual;
  };
  const subnet = parts.get('subnet');
  return {
    picture,
    ...(subnet ? { subnet } : {}),
    view: {
      x: number('x', 0, 1, WHOLE.x),
      y: number('y', 0, 1, WHOLE.y),
      zoom: number('zoom', 1, MAX_ZOOM, WHOLE.zoom),
    },
    rival: RIVALS.find((rival) => rival === parts.get('against')) ?? 'jpeg',
    split: number('split', 0, 1, 0.5),
    difference: parts.get('show') === 'difference',
  };
}
