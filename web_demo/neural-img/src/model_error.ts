/** What is wrong with a file or with decoding it, in one line for its owner. */
export class ModelError extends Error {
  override name = 'ModelError';

  constructor(
    message: string,
    /** Whether the worker that it happened in cannot go on. */
    readonly isFatal = false,
  ) {
    // Names from files may hold anything.
    super(message.replace(/\p{C}+/gu, ' '));
  }
}
