/** `node scripts/coder.mjs FILE [SOURCE FLAG…]` compiles the coder, or a variant of it in assembly/coder, to a file. */
import { writeFileSync } from 'node:fs';
import { compileCoder } from './compile.mjs';

const [file = 'coder.wasm', ...variant] = process.argv.slice(2);
writeFileSync(file, await compileCoder(...variant));
