/** How much of one file each of several screens needs, and what copies of the picture for them would have cost. */
import { chooseSubnet } from '../neural-img/src/level.ts';
import type { Subnet } from '../neural-img/src/manifest.ts';
import { CODECS, type Codec } from './codecs.ts';
import type { Picture } from './picture.ts';

/** A screen shows the picture with `scale` pixels for each of the picture's own. */
export const SCREENS = [
  { name: 'Watch', scale: 1 / 4 },
  { name: 'Phone', scale: 1 / 2 },
  { name: 'Laptop', scale: 1 },
  { name: 'Poster', scale: 4 },
] as const;

export interface ScreenChoice {
  name: string;
  /** Pixels of the picture on this screen. */
  width: number;
  height: number;
  /** What it takes of the file. */
  subnet: Subnet;
  /** Bytes of each codec's smallest copy of this size that is as near to the original, where they were measured. */
  copies: Partial<Record<Codec, number>>;
}

/** Takes for each screen the first subnet that is good enough there: 34 dB at the picture's own size, 3 less for each halving. */
export function screenChoices({ width, height, subnets, screens }: Picture): ScreenChoice[] {
  return SCREENS.flatMap(({ name, scale }) => {
    const subnet = chooseSubnet(subnets, { quality: 'auto', scale, savesData: false });
    if (!subnet) return [];
    const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
    // Beyond the picture's own size a copy has no more to tell.
    const copy = screens.find((one) => one.width === Math.min(size.width, width));
    const { psnr: _, ...copies } = copy?.levels.get(subnet.name) ?? { psnr: 0 };
    return [{ name, ...size, subnet, copies }];
  });
}

/** For each codec, the bytes of the copies for all screens together; none of a codec that lacks one. */
export function sumOfCopies(choices: readonly ScreenChoice[]): [Codec, number][] {
  return CODECS.flatMap((codec): [Codec, number][] => {
    const bytes = choices.map(({ copies }) => copies[codec]);
    if (bytes.length === 0 || bytes.some((count) => count === undefined)) return [];
    return [[codec, bytes.reduce<number>((sum, count) => sum + (count ?? 0), 0)]];
  });
}
