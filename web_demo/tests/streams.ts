/** An `.anir` file with its levels, and a fake decoder of streams. */
import type { Decoder, NeuralImage } from '../neural-img/src/decoder.ts';
import { ModelError } from '../neural-img/src/model_error.ts';
import { type AnirCase, anirCases } from './vectors.ts';

export const {
  file: FILE,
  start,
  levels,
} = anirCases().find(({ family }) => family === 'lapped') as AnirCase;
/** Bytes of the file up to the end of a level, counted from 1. */
export const endOf = (level: number) => levels[level - 1]?.end ?? 0;

export class FakeStreams {
  /** For each stream that was opened, the calls to it. */
  asked: (number | string)[][] = [];
  /** The first level, counted from 0, that cannot be decoded. */
  damaged = Number.POSITIVE_INFINITY;
  isFatal = false;

  readonly decoder = { stream: () => this.#open() } as unknown as Decoder;

  #open() {
    const own: (number | string)[] = [];
    this.asked.push(own);
    let fed = 0;
    return {
      feed: async ({ length }: Uint8Array) => {
        fed += length;
        own.push(`${fed} bytes`);
      },
      image: async (level: number) => {
        own.push(level);
        if (level >= this.damaged) throw new ModelError(`level ${level}`, this.isFatal);
        return { bytes: endOf(level + 1) } as NeuralImage;
      },
      refined: async () => {
        own.push('refined');
        return { bytes: fed } as NeuralImage;
      },
      preview: async () => {
        own.push('preview');
        if (this.damaged < 0) throw new ModelError('preview', this.isFatal);
        return { bytes: fed } as NeuralImage;
      },
      close: () => own.push('closed'),
    };
  }
}
