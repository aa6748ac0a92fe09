/** The sample pictures: what the exporter wrote beside them, checked and with addresses made absolute. */

export interface Subnet {
  /** Such as d3w64: three layers, 64 wide. */
  name: string;
  depth: number;
  width: number;
  url: string;
  bytes: number;
  bpp: number;
  psnr: number;
}

export interface Sample {
  name: string;
  title: string;
  source: { url: string; width: number; height: number };
  subnets: Subnet[];
}

const FORMAT = 1;

/** Reads `index.json` in the folder `base` and the manifest of every sample that it names. */
export async function loadSamples(base: URL): Promise<Sample[]> {
  const index = await fetchJson(new URL('index.json', base));
  return Promise.all(
    asList(index, 'index').map(async (entry) => {
      const { name, title } = asRecord(entry, 'sample');
      const folder = new URL(`${asFileName(name, 'sample.name')}/`, base);
      const manifest = await fetchJson(new URL('manifest.json', folder));
      return readManifest(manifest, folder, asText(name, 'sample.name'), asText(title, 'sample.title'));
    }),
  );
}

export function readManifest(json: unknown, folder: URL, name: string, title: string): Sample {
  const manifest = asRecord(json, 'manifest');
  if (manifest.format !== FORMAT) throw new Error(`manifest.format is not ${FORMAT}`);
  const source = asRecord(manifest.source, 'source');
  return {
    name,
    title,
    source: {
      url: new URL(asFileName(source.file, 'source.file'), folder).href,
      width: asPositive(source.width, 'source.width'),
      height: asPositive(source.height, 'source.height'),
    },
    subnets: asList(manifest.subnets, 'subnets').map((subnet) => readSubnet(subnet, folder)),
  };
}

function readSubnet(json: unknown, folder: URL): Subnet {
  const subnet = asRecord(json, 'subnet');
  const name = asText(subnet.name, 'subnet.name');
  const [, depth, width] = /^d(\d+)w(\d+)$/.exec(name) ?? [];
  if (!depth || !width) throw new Error(`subnet.name “${name}” is not of the form d3w64`);
  return {
    name,
    depth: Number(depth),
    width: Number(width),
    url: new URL(asFileName(subnet.file, `${name}.file`), folder).href,
    bytes: asPositive(subnet.bytes, `${name}.bytes`),
    bpp: asPositive(subnet.bpp, `${name}.bpp`),
    psnr: asPositive(subnet.psnr, `${name}.psnr`),
  };
}

/** The subnets that no other one beats: nothing as small is better, nothing as good is smaller. */
export function paretoFront(subnets: Subnet[]): Set<Subnet> {
  const beats = (a: Subnet, b: Subnet) =>
    a.bytes <= b.bytes && a.psnr >= b.psnr && (a.bytes < b.bytes || a.psnr > b.psnr);
  return new Set(subnets.filter((subnet) => !subnets.some((other) => beats(other, subnet))));
}

async function fetchJson(url: URL): Promise<unknown> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`);
  return response.json();
}

function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${what} is not an object`);
  return value as Record<string, unknown>;
}

function asList(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`);
  return value;
}

function asText(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${what} is not a text`);
  return value;
}

/** A plain name inside its folder: no path, no other address. */
function asFileName(value: unknown, what: string): string {
  const name = asText(value, what);
  if (!/^[\w-][\w. -]*$/.test(name)) throw new Error(`${what} is not a plain file name`);
  return encodeURIComponent(name);
}

function asPositive(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
    throw new Error(`${what} is not a positive number`);
  return value;
}
