import { concat, field } from '../neural-img/src/protobuf.ts';

/** Writes just enough of ONNX's protobuf for the tests to make files, good and bad. */

/** A model that ONNX Runtime would refuse, but that says of itself what an anir file does. */
export function modelBytes(metadata: Record<string, string>, graph = field(2, 'graph')): Uint8Array {
  const entries = Object.entries(metadata).map(([key, value]) =>
    field(14, concat(field(1, key), field(2, value))),
  );
  return concat(field(1, 10), field(7, graph), field(8, field(2, 21)), ...entries);
}

/** A graph whose one initializer keeps its data in another file. */
export function externalGraph(): Uint8Array {
  const location = concat(field(1, 'location'), field(2, 'weights.bin'));
  return field(5, concat(field(8, 'w'), field(13, location), field(14, 1)));
}

/** A sound graph that takes no y and answers with floats. */
export function otherGraph(): Uint8Array {
  const floats = field(1, concat(field(1, 1), field(2, field(1, field(2, 'W')))));
  const value = (name: string) => concat(field(1, name), field(2, floats));
  const node = concat(field(1, 'x'), field(2, 'image'), field(4, 'Identity'));
  return concat(field(1, node), field(2, 'graph'), field(11, value('x')), field(12, value('image')));
}

export const METADATA = { anir: '1', family: 'siren', name: 'd3w64', width: '96', height: '64' };
