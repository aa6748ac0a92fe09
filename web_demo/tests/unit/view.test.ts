import { expect, test } from 'vitest';
import { axis } from '../../neural-img/src/index.ts';
import { clampView, panBy, place, visibleRegion, WHOLE, zoomAt } from '../../src/view.ts';

const PICTURE = { width: 600, height: 400 };
const STAGE = { width: 900, height: 700 };

test('the whole picture is fitted and centred', () => {
  expect(place(WHOLE, PICTURE, STAGE)).toEqual({ left: 0, top: 50, scale: 1.5 });
});

test('zooming keeps the point under the pointer in place', () => {
  const point = { x: 700, y: 300 };
  const view = zoomAt({ x: 0.5, y: 0.5, zoom: 3 }, 2, point, PICTURE, STAGE);
  const under = (v: typeof view) => {
    const { left, top, scale } = place(v, PICTURE, STAGE);
    return [(point.x - left) / scale, (point.y - top) / scale];
  };
  const [x, y] = under({ x: 0.5, y: 0.5, zoom: 3 });
  expect(under(view)[0]).toBeCloseTo(x ?? 0, 9);
  expect(under(view)[1]).toBeCloseTo(y ?? 0, 9);
  expect(view.zoom).toBe(6);
});

test('views are clamped to the picture and to the largest zoom', () => {
  expect(clampView({ x: 0, y: 1, zoom: 0.2 }, PICTURE, STAGE)).toEqual(WHOLE);
  expect(clampView({ x: 0, y: 0.5, zoom: 1e9 }, PICTURE, STAGE).zoom).toBe(64);
  const { left, top } = place(
    panBy({ x: 0.5, y: 0.5, zoom: 4 }, { x: 1e6, y: 1e6 }, PICTURE, STAGE),
    PICTURE,
    STAGE,
  );
  expect(left).toBeCloseTo(0, 9);
  expect(top).toBeCloseTo(0, 9);
});

test('the visible region has the pixels of the screen', () => {
  const region = visibleRegion({ x: 0.5, y: 0.5, zoom: 4 }, PICTURE, STAGE, 2);
  expect(region.size).toEqual({ width: 1800, height: 1400 });
  expect(region.columns).toEqual({ start: 225, count: 150 });
  expect(region.rows.start).toBeCloseTo(200 - 350 / 6, 9);
});

test('a picture smaller than the stage is drawn completely, but not beyond its edges', () => {
  for (const width of [301, 777, 900.5, 1024]) {
    const { columns, size } = visibleRegion(WHOLE, PICTURE, { width, height: 613.3 }, 1.25);
    const x = axis(PICTURE.width, columns, size.width);
    expect(x[0]).toBeGreaterThanOrEqual(-1);
    expect(x.at(-1)).toBeLessThanOrEqual(1);
    expect(columns.count).toBeGreaterThan(PICTURE.width * 0.99);
  }
});
