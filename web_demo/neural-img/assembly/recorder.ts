/**
 * The coder as it is, with records of what one of its networks sees (AssemblyScript, compiled with `--use RECORDING_SIZES=1` or
 * `--use RECORDING_SIGNS=1`).
 */
export * from './coder';
export { weightsOfKinds } from './mixer';
export { recorded, recordInto } from './recording';
