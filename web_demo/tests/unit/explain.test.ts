import { expect, test } from 'vitest';
import { ModelError } from '../../neural-img/src/model_error.ts';
import { explain } from '../../neural-img/src/onnx/explain.ts';

test('a message of ONNX Runtime is one line, without the place in its code', () => {
  const place =
    '/onnxruntime_src/onnxruntime/core/graph/model.cc:203 onnxruntime::Model::Model(ModelProto &&, const PathString &) ';
  const reason = 'Unsupported model IR version: 99,\n max supported IR version: 13\n';
  expect(explain(new Error(`Can't create a session. ERROR_MESSAGE: ${place}${reason}`))).toBe(
    "ONNX Runtime cannot decode this file: Can't create a session. ERROR_MESSAGE: Unsupported model IR version: 99, " +
      'max supported IR version: 13',
  );
});

test('long messages are cut, and this package’s own are not changed', () => {
  expect(explain('x'.repeat(1000))).toBe(`ONNX Runtime cannot decode this file: ${'x'.repeat(160)}`);
  expect(explain(new ModelError('No model is open.'))).toBe('No model is open.');
  expect(explain(new Error('no available backend found'))).toMatch('could not start');
});
