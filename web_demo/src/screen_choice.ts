/** How much of one file each of several screens needs, and how large separate copies for these screens would be. */
import { chooseSubnet } from '../neural-img/src/level.ts';
import type { Subnet } from '../neural-img/src/manifest.ts';
import { CODECS, type Codec } from './codecs.ts';
import type { Picture } from './picture.ts';

/** Screens, which show the picture with `scale` device pixels per native pixel. */
export const SCREENS = [
  { name: 'Watch', scale: 1 / 4 },
  { name: 'Phone', scale: 1 / 2 },
  { name: 'Laptop', scale: 1 },
  { name: 'Poster', scale: 4 },
] as const;

export interface ScreenChoice {
  name: string;
  /** The picture's size on this screen, in device pixels. */
  width: number;
  height: number;
  /** The subnet that this screen needs. */
  subnet: Subnet;
  /** For each codec, the bytes of the smallest copy in this size with at least the subnet's PSNR, if that was measured. */
  copies: Partial<Record<Codec, number>>;
}

/**
 * Chooses for each screen the smallest subnet that is good enough: 34 dB at native size, 3 dB less or more for each halving or doubling.
 * Leaves out screens for which a file that was cut is too short.
 */
export function screenChoices({
  width,
  height,
  subnets,
  screens,
  length = Infinity,
}: Picture): ScreenChoice[] {
  return SCREENS.flatMap(({ name, scale }) => {
    const subnet = chooseSubnet(subnets, { quality: 'auto', scale, savesData: false });
    if (!subnet || subnet.bytes > length) return [];
    const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
    // Beyond native size a copy has no more detail.
    const copy = screens.find((one) => one.width === Math.min(size.width, width));
    const { psnr: _, ...copies } = copy?.levels.get(subnet.name) ?? { psnr: 0 };
    return [{ name, ...size, subnet, copies }];
  });
}

/** The total bytes of the copies for all screens, for each codec that has all of them. */
export function sumOfCopies(choices: readonly ScreenChoice[]): [Codec, number][] {
  return CODECS.flatMap((codec): [Codec, number][] => {
    const bytes = choices.map(({ copies }) => copies[codec]);
    if (bytes.length === 0 || bytes.some((count) => count === undefined)) return [];
    return [[codec, bytes.reduce<number>((sum, count) => sum + (count ?? 0), 0)]];
  });
}
