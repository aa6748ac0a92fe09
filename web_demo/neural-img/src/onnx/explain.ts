/** Turns errors of ONNX Runtime into one line for the user. */
import { ModelError } from '../model_error.ts';

/** What a message says of ONNX Runtime's own code: a source file and a function's signature. */
const SOURCE_CODE = /\S+\.(?:h|cc):\d+ .*?\) (?=\w)/g;

export function explain(error: unknown): string {
  if (error instanceof ModelError) return error.message;
  const text = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
  if (text.includes('no available backend'))
    return 'ONNX Runtime could not start: its WebAssembly did not load.';
  return `ONNX Runtime cannot decode this file: ${text.replace(SOURCE_CODE, '').slice(0, 160)}`;
}
