import { expect, test } from 'vitest';
import { paretoFront, type Subnet } from '../../neural-img/src/manifest.ts';

test('the front is what nothing as small beats', () => {
  const subnet = (name: string, bytes: number, psnr: number) => ({ name, bytes, psnr }) as Subnet;
  const [small, bad, good, twin] = [
    subnet('small', 1000, 25),
    subnet('bad', 1500, 24),
    subnet('good', 2000, 27),
    subnet('twin', 2200, 27),
  ];
  expect(paretoFront([good, twin, bad, small])).toEqual([small, good]);
});
