/** How an element that is laid out like `<img>` takes its place, without a page. */

export interface Size {
  width: number;
  height: number;
}

// A canvas with more pixels stays blank on phones, without a word.
const MAX_PIXELS = 16.7e6;

/** A width or height as HTML reads it ("rules for parsing dimension values"); nothing where that fails. */
export function parseDimension(text: string | null): { value: number; unit: 'px' | '%' } | undefined {
  const [, digits, percent] = /^[\t\n\f\r ]*(\d+(?:\.\d*)?)(%?)/.exec(text ?? '') ?? [];
  return digits === undefined ? undefined : { value: Number(digits), unit: percent ? '%' : 'px' };
}

/**
 * The element's style sheet, for the attributes `width` and `height` and the natural size, 0 × 0 until it is known.
 *
 * Two lengths give the width and the ratio, as for `<img>` under the usual `max-width: 100%; height: auto`.
 */
export function styleSheet(width: string | null, height: string | null, natural: Size): string {
  const [w, h] = [parseDimension(width), parseDimension(height)];
  const areLengths = w?.unit === 'px' && h?.unit === 'px' && w.value * h.value > 0;
  const ratio = areLengths ? { width: w.value, height: h.value } : natural;
  const css = (side: typeof w) => (side ? `${side.value}${side.unit}` : 'auto');
  return `
    :host { display: inline-block; contain: size layout; overflow: clip; max-width: 100%; min-width: 0; min-height: 0;
      width: ${w || h ? css(w) : `${natural.width}px`};
      height: ${areLengths ? 'auto' : css(h)};
      aspect-ratio: ${ratio.width ? `${ratio.width} / ${ratio.height}` : 'auto'};
      contain-intrinsic-size: ${ratio.width}px ${ratio.height}px; }
    :host([hidden]) { display: none; }
    canvas { display: block; width: 100%; height: 100%; object-fit: inherit; object-position: inherit; }
    p { position: absolute; inset: 0; margin: 0; padding: 0.5em; display: grid; place-items: center; overflow: auto;
      text-align: center; font: 14px/1.3 system-ui, sans-serif; color: CanvasText; background: Canvas;
      outline: 1px solid GrayText; outline-offset: -1px; }
    p[hidden] { display: none; }`;
}

/**
 * The size of a bitmap, in the picture's ratio, that has the screen's own pixels where `fit`, a value of CSS's
 * `object-fit`, shows it in a `box` of CSS pixels; `density` screen pixels make one of those.
 */
export function bitmapSize(natural: Size, box: Size, fit: string, density: number): Size {
  if (!(natural.width * box.width * box.height > 0)) return { width: 0, height: 0 };
  const [x, y] = [box.width / natural.width, box.height / natural.height];
  // CSS takes the bitmap's size for the natural one where `none` or `scale-down` asks for that.
  const isNatural = fit === 'none' || (fit === 'scale-down' && Math.min(x, y) >= 1);
  const shown = (fit === 'contain' || fit === 'scale-down' ? Math.min(x, y) : Math.max(x, y)) * density;
  const wanted = isNatural ? 1 : shown;
  const scale = Math.min(wanted, Math.sqrt(MAX_PIXELS / (natural.width * natural.height)));
  return {
    width: Math.max(1, Math.round(natural.width * scale)),
    height: Math.max(1, Math.round(natural.height * scale)),
  };
}
