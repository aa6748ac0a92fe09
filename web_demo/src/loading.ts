/** Loads what has been chosen: the file of one subnet, or a prefix of an `.anir` file. */
import { type AnirStream, type Decoder, ModelError, type NeuralImage } from '../neural-img/src/index.ts';
import type { Subnet } from '../neural-img/src/manifest.ts';
import { cutAt } from './cut.ts';
import { formatBytes } from './format.ts';
import type { Picture } from './picture.ts';
import { whyOffline } from './site_file.ts';
import type { Streamed } from './streamed.ts';

export interface Loaded {
  image: NeuralImage;
  /** What has arrived, which is less than was chosen while a file is still arriving. */
  subnet: Subnet;
  file?: Uint8Array;
  /** Whether this is all that was chosen. */
  isLast: boolean;
}

/** Loads the file of one subnet. */
export async function* loadFile(
  { folder }: Picture,
  subnet: Subnet,
  decoder: Decoder,
  signal: AbortSignal,
): AsyncGenerator<Loaded, void, void> {
  const blob = await folder.read(subnet.file, signal);
  const file = new Uint8Array(await blob.arrayBuffer());
  yield { image: await decoder.open(file), subnet, file, isLast: true };
}

/**
 * Yields better and better pictures while the bytes of `subnet` arrive; if the file ends earlier, none of them is marked as the last.
 *
 * Of a new picture, the preview and the first level come first, even if more bytes have already arrived.
 */
export async function* drawable(
  { subnets, least = 0 }: Picture,
  stream: Streamed,
  subnet: Subnet,
  decoder: Decoder,
  isNew: boolean,
): AsyncGenerator<Loaded, void, void> {
  const ends = subnets.map(({ bytes }) => bytes);
  const first = Math.min(...ends);
  const anir = decoder.stream();
  try {
    for await (const size of stream.until(subnet.bytes)) {
      const before = isNew ? [least, first].filter((end) => end > anir.bytes && end < size) : [];
      for (const end of [...before, size]) {
        await anir.feed(stream.prefix(end).subarray(anir.bytes));
        const here = cutAt(end, subnets);
        const image = await best(anir, ends.includes(end));
        if (image && here) yield { image, subnet: here, isLast: end === subnet.bytes };
      }
    }
  } finally {
    anir.close();
  }
}

/** The last complete level, refined by what has arrived of the next unless it has just been completed; before the first, a preview. */
function best(anir: AnirStream, isWhole: boolean): Promise<NeuralImage | undefined> {
  if (anir.available === 0) return anir.preview();
  return isWhole ? anir.image() : anir.refined();
}

/** The error to report for a file that was cut after `bytes` bytes; the visitor's own does not depend on the network. */
export const endsEarly = (bytes: number, isOwn: boolean) =>
  new ModelError(
    navigator.onLine || isOwn
      ? `This file ends early, after ${formatBytes(bytes)}; that is as far as it shows its picture.`
      : `Only ${formatBytes(bytes)} of this file are here${whyOffline()}.`,
  );
