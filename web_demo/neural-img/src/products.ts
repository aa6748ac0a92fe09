/** Sums of products of columns and rows: a small product of matrices for each channel of a tile. */
import type { Node } from './onnx_graph.ts';
import type { Source } from './separable.ts';

/** A value of columns and one of rows, to be multiplied. */
export type Term = { column: string; row: string };

/** A sum of products: values of the exported graph, one for each term, and the tile's inputs. */
export interface Products {
  /** The values of T terms, [F, W, C] and [F, H, 1, C]. */
  values: { columns: string[]; rows: string[] };
  /** For each of F entries, [C, T, w] of columns and [C, h, T] of rows. */
  inputs: { columns: string[]; rows: string[] };
}

/**
 * The terms of a node's result, if that is such a sum: given those of the results before it, where values come from,
 * and their shapes, as entries and channels.
 */
export function termsOf(
  { kind, inputs, outputs: [output = ''] }: Node,
  known: ReadonlyMap<string, Term[]>,
  sourceOf: (name: string) => Source,
  shapeOf: (name: string) => string,
): Term[] | undefined {
  const before = inputs.map((name) => known.get(name) ?? []);
  const terms = kind === 'Add' && before.every(({ length }) => length > 0) ? before.flat() : [];
  if (kind === 'Mul') {
    const from = (source: Source) => inputs.find((name) => sourceOf(name) === source);
    const [column, row] = [from('columns'), from('rows')];
    if (column && row) terms.push({ column, row });
  }
  // None is repeated along an axis.
  const isAlike = terms.every(({ column, row }) =>
    [column, row].every((name) => shapeOf(name) === shapeOf(output)),
  );
  return terms.length > 0 && isAlike ? terms : undefined;
}

/**
 * The factors of one entry on a stretch of `size` points: [C, T, size] of columns or [C, size, T] of rows, out of the
 * terms' values, each [F, length, C].
 */
export function stacked(
  terms: Float32Array[],
  source: 'columns' | 'rows',
  {
    channels,
    entry,
    length,
    start,
    size,
  }: Record<'channels' | 'entry' | 'length' | 'start' | 'size', number>,
): Float32Array {
  const matrices = new Float32Array(channels * terms.length * size);
  terms.forEach((data, term) => {
    const offset = (entry * length + start) * channels;
    for (let i = 0; i < size; i++)
      for (let c = 0; c < channels; c++) {
        const to =
          source === 'rows' ? (c * size + i) * terms.length + term : (c * terms.length + term) * size + i;
        matrices[to] = data[offset + i * channels + c] ?? 0;
      }
  });
  return matrices;
}
