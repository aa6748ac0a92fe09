/** The entropy coder of `.anir` files (AssemblyScript): what its module offers. */
export { bits, check, extend, finish, position, startDecoding, startEncoding, symbols } from './entropy';
export { level } from './levels';
export { create, keep, kept, restore, room, spare } from './state';
export { values } from './values';
