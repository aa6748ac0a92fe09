/** What the coder's module offers. */
export { bits, check, extend, finish, position, startDecoding, startEncoding, symbol } from './entropy';
export { create, level, room, values } from './cells';
