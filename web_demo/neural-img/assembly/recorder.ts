/** The coder as it is, with records of what its network of sizes sees (AssemblyScript, compiled with `--use RECORDING=1`). */
export * from './coder';
export { recorded, recordInto } from './recording';
