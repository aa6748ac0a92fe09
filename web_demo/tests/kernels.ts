/** WebAssembly for tests in Node, which has no relaxed SIMD: browsers' tests run that. */
import { CODER } from '../neural-img/src/generated/coder.ts';
import { PLAIN } from '../neural-img/src/generated/kernel.ts';
import { Kernel } from '../neural-img/src/kernel.ts';

const module = new WebAssembly.Module(Buffer.from(PLAIN, 'hex'));

export const newKernel = () => new Kernel(module);

export const CODER_MODULE = new WebAssembly.Module(Buffer.from(CODER, 'hex'));
