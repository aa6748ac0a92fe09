/** Reads and checks manifest.json, which the exporter writes: the subnets of one picture (docs/format.md). */

export interface Subnet {
  /** Such as d3w64: three layers of 64 channels. */
  name: string;
  depth: number;
  width: number;
  file: string;
  bytes: number;
  bpp: number;
  /** In dB; unknown for a file without a manifest. */
  psnr?: number;
  macsPerPixel?: number;
}

export interface Manifest {
  /** The picture's native size in pixels. */
  width: number;
  height: number;
  /** The file of the original picture, if it is known. */
  source?: string;
  subnets: Subnet[];
}

const FORMAT = 1;

/** Reads a manifest. Throws an Error that names the first invalid field. */
export function readManifest(json: unknown): Manifest {
  const manifest = asRecord(json, 'manifest');
  if (manifest.format !== FORMAT) throw new Error(`manifest.format is not ${FORMAT}`);
  const source = asRecord(manifest.source, 'source');
  const subnets = asList(manifest.subnets, 'subnets').map(readSubnet);
  if (subnets.length === 0) throw new Error('manifest.subnets is empty');
  return {
    width: asNumber(source.width, 'source.width', 1),
    height: asNumber(source.height, 'source.height', 1),
    ...(source.file !== undefined && { source: asFileName(source.file, 'source.file') }),
    subnets,
  };
}

function readSubnet(json: unknown): Subnet {
  const subnet = asRecord(json, 'subnet');
  const name = asText(subnet.name, 'subnet.name');
  const parts = /^d(\d+)w(\d+)$/.exec(name);
  if (!parts) throw new Error(`subnet.name “${name}” is not of the form d3w64`);
  return {
    name,
    depth: Number(parts[1]),
    width: Number(parts[2]),
    file: asFileName(subnet.file, `${name}.file`),
    bytes: asNumber(subnet.bytes, `${name}.bytes`, 1),
    bpp: asNumber(subnet.bpp, `${name}.bpp`),
    psnr: asNumber(subnet.psnr, `${name}.psnr`),
    macsPerPixel: asNumber(subnet.macs_per_pixel, `${name}.macs_per_pixel`),
  };
}

/** The Pareto front in order of size: the subnets to which no other one is superior in both size and quality. */
export function paretoFront(subnets: readonly Subnet[]): Subnet[] {
  let best = -Infinity;
  return [...subnets]
    .sort((a, b) => a.bytes - b.bytes || (b.psnr ?? 0) - (a.psnr ?? 0))
    .filter(({ psnr = 0 }) => {
      if (psnr <= best) return false;
      best = psnr;
      return true;
    });
}

export function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${what} is not an object`);
  return value as Record<string, unknown>;
}

export function asList(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`);
  return value;
}

export function asText(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${what} is not a text`);
  return value;
}

/** What is no plain file name: characters that file systems reserve or that cannot be printed, or only dots. */
const NOT_PLAIN = /[/\\:*?"<>|\p{C}]|[^ \P{Z}]|^\.+$/u;

/** A file name without a path. */
export function asFileName(value: unknown, what: string): string {
  const name = asText(value, what);
  if (NOT_PLAIN.test(name)) throw new Error(`${what} is not a plain file name`);
  return name;
}

/** A finite number of at least `least`. */
export function asNumber(value: unknown, what: string, least = 0): number {
  if (typeof value !== 'number' || !(value >= least && value < Infinity))
    throw new Error(`${what} is not a number from ${least} up`);
  return value;
}
