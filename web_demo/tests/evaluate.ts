import * as ort from 'onnxruntime-web';
import type { Evaluate } from '../neural-img/src/rewrite.ts';

/** Runs a model in Node, for `rewrite`. */
export const evaluate: Evaluate = async (model, x, y) => {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  const feeds = { x: new ort.Tensor(x, [x.length]), y: new ort.Tensor(y, [y.length]) };
  return (await session.run(feeds)) as Awaited<ReturnType<Evaluate>>;
};
