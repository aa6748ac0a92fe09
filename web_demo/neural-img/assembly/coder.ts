/** The entropy coder of `.anir` files (AssemblyScript): what its module offers. */
export { level } from './levels';
export { symbols } from './mixer';
export { bits, check, extend, finish, position, startDecoding, startEncoding } from './range_coder';
export { create, keep, kept, restore, room, spare } from './state';
export { values } from './values';
