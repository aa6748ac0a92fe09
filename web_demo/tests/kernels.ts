/** The kernel for tests in Node, which has no relaxed SIMD: browsers' tests run that. */
import { PLAIN } from '../neural-img/src/generated/kernel.ts';
import { Kernel } from '../neural-img/src/kernel.ts';

const module = new WebAssembly.Module(Buffer.from(PLAIN, 'base64'));

export const newKernel = () => new Kernel(module);
