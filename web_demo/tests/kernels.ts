/** WebAssembly for tests in Node, which has no relaxed SIMD; only the browser tests run the module with it. */
import { fromCharacters } from '../neural-img/src/bytes.ts';
import { CODER } from '../neural-img/src/generated/coder.ts';
import { PLAIN } from '../neural-img/src/generated/kernel.ts';
import { Kernel } from '../neural-img/src/kernel.ts';

const module = new WebAssembly.Module(fromCharacters(PLAIN));

export const newKernel = () => new Kernel(module);

export const CODER_MODULE = new WebAssembly.Module(fromCharacters(CODER));
