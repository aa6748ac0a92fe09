/**
 * The coder, unchanged, that also records the inputs of one of its networks (AssemblyScript, compiled with
 * `--use RECORDING_SIZES=1` or `--use RECORDING_SIGNS=1`).
 */
export * from './index';
export { weightsOfKinds } from './mixer';
export { recorded, recordInto } from './recording';
