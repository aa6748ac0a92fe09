/** Tests that files written by Python are read as by Python. */
import { describe, expect, test } from 'vitest';
import { AnirFile } from '../../neural-img/src/anir_file.ts';
import { FAMILIES } from '../../neural-img/src/families/index.ts';
import { type Network, nameOf } from '../../neural-img/src/network.ts';
import { CODER_MODULE, newKernel } from '../kernels.ts';
import { asRgba, expectSamePixels } from '../pixels.ts';
import { type AnirCase, anirCases } from '../vectors.ts';

const cases = anirCases();
const [siren, lapped] = ['siren', 'lapped'].map((family) => cases.find((own) => own.family === family)) as [
  AnirCase,
  AnirCase,
];

function fileOf(...parts: Uint8Array[]): AnirFile {
  const file = new AnirFile(CODER_MODULE);
  for (const part of parts) file.feed(part);
  return file;
}

function draw(network: Network, x: Float32Array, y: Float32Array): number[] {
  return [...(FAMILIES.get(network.family)?.open(newKernel(), network)(x, y) ?? [])];
}

/** Pseudorandom numbers below `most`, the same each time. */
function numbers(count: number, most: number): number[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  });
}

describe.each(cases)('$family of $bits bits, $colours colours, pitch $pitch', ({ file, colours, levels }) => {
  test('each level is read as in Python, from the whole file and from its prefix', async () => {
    const whole = fileOf(file);
    for (const [k, { network, name, end }] of levels.entries()) {
      expect(await whole.network(k)).toEqual(network);
      const prefix = fileOf(file.subarray(0, end));
      expect([prefix.available, prefix.header?.levels[k]?.name]).toEqual([k + 1, name]);
      expect(await prefix.network()).toEqual(network);
    }
  });

  test('each level is drawn as Python draws it', async () => {
    const whole = fileOf(file);
    for (const [k, { x, y, pixels }] of levels.entries())
      expectSamePixels(draw(await whole.network(k), x, y), asRgba(pixels, colours));
  });
});

describe.each(cases.filter(({ refined }) => refined.length > 0))(
  '$family of $bits bits, $colours colours, pitch $pitch, truncated within a level',
  ({ file, colours, refined }) => {
    test.each(refined)(
      '$bytes bytes are read and drawn as in Python',
      async ({ bytes, network, x, y, pixels }) => {
        const own = await fileOf(file.subarray(0, bytes)).refined();
        expect(own).toEqual(network);
        expectSamePixels(draw(own, x, y), asRgba(pixels, colours));
      },
    );
  },
);

test.each([siren, lapped])('a $family file can be fed byte by byte', async ({ file, levels }) => {
  const own = fileOf();
  let seen = 0;
  for (const byte of file) {
    own.feed(Uint8Array.of(byte));
    if (own.available > seen) expect(await own.network()).toEqual(levels[seen++]?.network);
  }
  expect(seen).toBe(levels.length);
});

test('bytes after the last level are ignored', async () => {
  const own = fileOf(lapped.file, new Uint8Array(1 << 16), new Uint8Array(9));
  expect(await own.network()).toEqual(lapped.levels.at(-1)?.network);
  expect(own.size).toBe(lapped.file.length + 65536 + 9);
});

test('levels cannot be read backwards or beyond what has arrived', async () => {
  const own = fileOf(siren.file);
  expect(await own.network(2)).toEqual(siren.levels[2]?.network);
  expect(await own.network(2)).toEqual(siren.levels[2]?.network);
  await expect(own.network(0)).rejects.toThrow('passed');
  await expect(own.network(4)).rejects.toThrow('before the end of its level 5');
});

describe('between levels', () => {
  const [, , before, after] = lapped.levels.map(({ end }) => end) as [number, number, number, number];
  const middle = before + Math.floor((after - before) / 2);
  const count = ({ latents }: Network) => latents?.codes.filter((code) => code !== 0).length ?? 0;

  test('coefficients are refined, and the next level is still read correctly', async () => {
    const own = fileOf(lapped.file.subarray(0, middle));
    const refined = await own.refined();
    expect(refined.tensors).toEqual(lapped.levels[2]?.network.tensors);
    expect(refined.latents?.reach).toBe(lapped.levels[2]?.network.latents?.reach);
    expect(count(refined)).toBeGreaterThan(count(await own.network()));
    own.feed(lapped.file.subarray(middle));
    expect(await own.network()).toEqual(lapped.levels[3]?.network);
    expect(await own.refined()).toEqual(lapped.levels[3]?.network);
  });

  test('the first two bytes of a level change nothing', async () => {
    for (const more of [0, 1, 2])
      expect(await fileOf(lapped.file.subarray(0, before + more)).refined()).toEqual(
        lapped.levels[2]?.network,
      );
    expect(await fileOf(lapped.file.subarray(0, before + 3)).refined()).not.toEqual(
      lapped.levels[2]?.network,
    );
  });

  test('nothing is refined in other families', async () => {
    const own = fileOf(siren.file.subarray(0, (siren.levels[1]?.end ?? 0) + 9));
    expect(await own.refined()).toEqual(siren.levels[1]?.network);
  });
});

describe.each([siren, lapped])('a damaged $family file', ({ file, levels, start }) => {
  test('that is truncated has its complete levels or is refused', async () => {
    const first = levels[0]?.end ?? 0;
    const header = Array.from({ length: start + 1 }, (_, length) => length);
    for (const length of [...header, first - 1, ...numbers(200, file.length)]) {
      const own = fileOf(file.subarray(0, length));
      const whole = levels.filter(({ end }) => end <= length).length;
      expect(own.available).toBe(whole);
      if (whole > 0) {
        expect(nameOf(await own.network()), `${length}`).toBe(levels[whole - 1]?.name);
        expect(draw(await own.refined(), new Float32Array(1), new Float32Array(1))).toHaveLength(4);
      } else
        await expect(own.network(), `${length}`).rejects.toThrow(/^This (\.anir )?file ends [^\n]{10,80}$/);
    }
  });

  test('with a flipped bit is refused in one line', async () => {
    const bits = numbers(200, 8);
    for (const [k, place] of numbers(200, file.length - 6).entries()) {
      const changed = file.with(place, (file[place] ?? 0) ^ (1 << (bits[k] ?? 0)));
      const message = expect.stringMatching(/^[^\n]{10,120}$/);
      const refused = expect.objectContaining({ name: 'ModelError', message });
      const opened = async () => fileOf(changed).network(levels.length - 1);
      await expect(opened(), `${place}`).rejects.toThrow(refused);
    }
  });

  test('has only the levels before the damage', async () => {
    const [second, third] = levels.slice(1, 3).map(({ end }) => end) as [number, number];
    const at = Math.floor((second + third) / 2);
    const own = fileOf(file.with(at, (file[at] ?? 0) ^ 255));
    expect(await own.network(1)).toEqual(levels[1]?.network);
    for (let time = 0; time < 2; time++)
      await expect(own.network(3)).rejects.toThrow('damaged in its level 3');
    expect(await own.network(1)).toEqual(levels[1]?.network);
  });
});
