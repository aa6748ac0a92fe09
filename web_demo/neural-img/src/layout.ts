/** The layout of the element, which follows `<img>`, as functions without side effects. */

export interface Size {
  width: number;
  height: number;
}

// On phones a canvas with more pixels stays blank, without an error.
const MAX_PIXELS = 16.7e6;

/** Parses a width or height by HTML's "rules for parsing dimension values"; returns undefined where they fail. */
export function parseDimension(text: string | null): { value: number; unit: 'px' | '%' } | undefined {
  const [, digits, percent] = /^[\t\n\f\r ]*(\d+(?:\.\d*)?)(%?)/.exec(text ?? '') ?? [];
  return digits === undefined ? undefined : { value: Number(digits), unit: percent ? '%' : 'px' };
}

/**
 * The element's style sheet, given its attributes `width` and `height` and the natural size (0 × 0 until it is known).
 *
 * If both attributes are lengths, they set the width and the aspect ratio, like an `<img>` with `max-width: 100%; height: auto`. The
 * element takes the size of its canvas where a parent asks for the size of its content, as only replaced elements, such as a canvas,
 * shrink there; a length with `+ 0%` counts as `auto` in that case. In quirks mode, where percentages of a height refer to the
 * viewport, the element has the size of its own, and does not shrink.
 */
export function styleSheet(
  width: string | null,
  height: string | null,
  natural: Size,
  isQuirky = false,
): string {
  const [w, h] = [parseDimension(width), parseDimension(height)];
  const areLengths = w?.unit === 'px' && h?.unit === 'px' && w.value * h.value > 0;
  const own = areLengths ? { width: w.value, height: h.value } : natural;
  const css = (side: typeof w) => (side ? `${side.value}${side.unit}` : 'auto');
  const length = w?.unit === 'px' && !areLengths ? css(w) : 'auto';
  return `
    :host { display: inline-block; contain: ${isQuirky ? 'size ' : ''}layout; overflow: clip; max-width: 100%; min-width: 0; min-height: 0;
      width: ${w ? `calc(${css(w)} + 0%)` : 'fit-content'};
      height: ${areLengths ? 'auto' : css(h)}; }
    :host, canvas { contain-intrinsic-size: ${own.width}px ${own.height}px;
      aspect-ratio: auto ${own.width ? `${own.width} / ${own.height}` : ''}; }
    :host([hidden]), p[hidden]${own.width ? '' : ', p:not([hidden]) + canvas'} { display: none; }
    canvas { display: block; contain: size; width: ${length}; height: 100%; min-width: 100%; min-height: 100%;
      max-width: inherit; max-height: inherit; object-fit: inherit; object-position: inherit; }
    p { ${own.width ? 'position: absolute; inset: 0' : `width: ${length}; min-height: 100%`}; box-sizing: border-box;
      margin: 0; padding: 0.5em; display: grid; place-items: center; overflow: auto; overflow-wrap: anywhere;
      text-align: center; font: 14px/1.3 system-ui, sans-serif; color: CanvasText; background: Canvas;
      outline: 1px solid GrayText; outline-offset: -1px; }`;
}

/**
 * The size of a bitmap in the picture's aspect ratio whose pixels are device pixels when `fit`, a value of CSS's `object-fit`, shows
 * it in a `box` of CSS pixels, with `density` device pixels per CSS pixel.
 */
export function bitmapSize(natural: Size, box: Size, fit: string, density: number): Size {
  if (!(natural.width * box.width * box.height > 0)) return { width: 0, height: 0 };
  const [x, y] = [box.width / natural.width, box.height / natural.height];
  // For `none`, and for `scale-down` in a larger box, CSS shows a bitmap at its own size, which then has to be the natural one.
  const isNatural = fit === 'none' || (fit === 'scale-down' && Math.min(x, y) >= 1);
  const shown = (fit === 'contain' || fit === 'scale-down' ? Math.min(x, y) : Math.max(x, y)) * density;
  const wanted = isNatural ? 1 : shown;
  const scale = Math.min(wanted, Math.sqrt(MAX_PIXELS / (natural.width * natural.height)));
  return {
    width: Math.max(1, Math.round(natural.width * scale)),
    height: Math.max(1, Math.round(natural.height * scale)),
  };
}
