/** A problem with a file or with decoding it; the message is one line for the user. */
export class ModelError extends Error {
  override name = 'ModelError';

  constructor(
    message: string,
    /** Whether the worker that it occurred in has to be replaced. */
    readonly isFatal = false,
  ) {
    // Names from files may contain control characters.
    super(message.replace(/\p{C}+/gu, ' '));
  }
}
