/** From a choice to something to draw: a file of its own, or a prefix of one that streams. */
import { type AnirStream, type Decoder, ModelError, type NeuralImage } from '../neural-img/src/index.ts';
import type { Subnet } from '../neural-img/src/manifest.ts';
import { cutAt } from './cut.ts';
import { formatBytes } from './format.ts';
import type { Picture } from './picture.ts';
import type { Streamed } from './streamed.ts';

export interface Loaded {
  image: NeuralImage;
  /** What is here: of a file that still comes, less than was asked for. */
  subnet: Subnet;
  file?: Uint8Array;
  /** Whether all is here that was asked for. */
  isLast: boolean;
}

/** The file of one subnet. */
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
 * What the stream shows up to the bytes of `subnet`, again and again while they come; of a shorter file, nothing is the last.
 *
 * If the picture is new, a preview and its first level are shown before all that has come with them.
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

/** The last level, if it has just come whole, or it with what has come of the next; before the first, a preview. */
function best(anir: AnirStream, isWhole: boolean): Promise<NeuralImage | undefined> {
  if (anir.available === 0) return anir.preview();
  return isWhole ? anir.image() : anir.refined();
}

/** What to say of a file that has only so many bytes. */
export const endsEarly = (bytes: number) =>
  new ModelError(
    `This file ends early, after ${formatBytes(bytes)}; that is as far as it shows its picture.`,
  );
