/** Geometry: which part of the picture is on screen, and where. */
import type { Span } from '../neural-img/src/index.ts';

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** The picture's point at the stage's centre, in [0, 1] along each side, and the zoom, where 1 shows the whole picture. */
export interface View extends Point {
  zoom: number;
}

/** The position of the picture's top left corner on the stage, and the size of a native pixel there. */
export interface Placement {
  left: number;
  top: number;
  scale: number;
}

/** A part of the picture, in native pixels, and the size in which to draw it. */
export interface Region {
  columns: Span;
  rows: Span;
  size: Size;
}

export const WHOLE: View = { x: 0.5, y: 0.5, zoom: 1 };
export const MAX_ZOOM = 64;

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

export function place(view: View, picture: Size, stage: Size): Placement {
  const scale = view.zoom * Math.min(stage.width / picture.width, stage.height / picture.height);
  return {
    left: stage.width / 2 - view.x * picture.width * scale,
    top: stage.height / 2 - view.y * picture.height * scale,
    scale,
  };
}

/** The nearest view without gaps at the stage's edges, along each axis on which the picture is large enough. */
export function clampView(view: View, picture: Size, stage: Size): View {
  const zoom = clamp(view.zoom, 1, MAX_ZOOM);
  const { scale } = place({ ...view, zoom }, picture, stage);
  const centre = (at: number, stageSide: number, pictureSide: number) => {
    const half = Math.min(0.5, stageSide / 2 / (pictureSide * scale));
    return clamp(at, half, 1 - half);
  };
  return {
    x: centre(view.x, stage.width, picture.width),
    y: centre(view.y, stage.height, picture.height),
    zoom,
  };
}

/** The view `factor` times closer, which keeps in place what is at `point` of the stage. */
export function zoomAt(view: View, factor: number, point: Point, picture: Size, stage: Size): View {
  const zoom = clamp(view.zoom * factor, 1, MAX_ZOOM);
  const before = place(view, picture, stage).scale;
  const after = place({ ...view, zoom }, picture, stage).scale;
  const shift = 1 / before - 1 / after;
  return clampView(
    {
      x: view.x + ((point.x - stage.width / 2) * shift) / picture.width,
      y: view.y + ((point.y - stage.height / 2) * shift) / picture.height,
      zoom,
    },
    picture,
    stage,
  );
}

/** The view after the picture has been dragged by `by` on the stage. */
export function panBy(view: View, by: Point, picture: Size, stage: Size): View {
  const { scale } = place(view, picture, stage);
  const moved = { x: view.x - by.x / (picture.width * scale), y: view.y - by.y / (picture.height * scale) };
  return clampView({ ...moved, zoom: view.zoom }, picture, stage);
}

/** The part of the picture in view, in device pixels, of which there are `density` per CSS pixel. */
export function visibleRegion(view: View, picture: Size, stage: Size, density: number): Region {
  const { left, top, scale } = place(view, picture, stage);
  const [width, columns] = visibleSpan(left * density, picture.width, scale * density, stage.width * density);
  const [height, rows] = visibleSpan(top * density, picture.height, scale * density, stage.height * density);
  return { columns, rows, size: { width, height } };
}

/** Along one axis: the number of device pixels that show the picture, whose edge is at `start`, and the native pixels they show. */
function visibleSpan(start: number, side: number, scale: number, screen: number): [number, Span] {
  const first = Math.max(0, Math.round(start));
  const end = Math.min(Math.round(screen), Math.round(start + side * scale));
  const size = Math.max(1, end - first);
  return [size, { start: (first - start) / scale, count: size / scale }];
}

/** The whole picture at `size`. */
export const wholeRegion = (picture: Size, size: Size): Region => ({
  columns: { start: 0, count: picture.width },
  rows: { start: 0, count: picture.height },
  size,
});

/** `region` with about `factor` times fewer pixels along each axis. */
export const coarser = (region: Region, factor: number): Region => ({
  ...region,
  size: {
    width: Math.max(1, Math.round(region.size.width / factor)),
    height: Math.max(1, Math.round(region.size.height / factor)),
  },
});

/** Pixels with which the region is drawn per native pixel, along an axis. */
export const densityOf = ({ size, columns }: Region) => size.width / columns.count;
